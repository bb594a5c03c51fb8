import copy
import shutil

import pytest
import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.vision import (
    BatchNorm,
    Muon,
    PatchWhitening,
    Recipe,
    ResNet9,
    ResNet18,
    SpeedNet,
    predict_logits,
    shapes32,
)
from eigenlab.vision.networks import spatial_maximum


def images(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_sizes_are_the_published_ones():
    # ResNet-9: 3x3 convolutions 3-64-128-(128-128)-256-512-(512-512), batch norm, 512 x 10.
    convolutions = 9 * (3 * 64 + 64 * 128 + 2 * 128**2 + 128 * 256 + 256 * 512 + 2 * 512**2)
    norms = 2 * (64 + 3 * 128 + 256 + 3 * 512)
    assert count(ResNet9()) == convolutions + norms + 5120 == 6_573_120
    # airbench94: 1,969,816 trained weights with the 24 biases of the whitening.
    speed = 9 * (24 * 64 + 64**2 + 64 * 256 + 3 * 256**2)
    trained = sum(p.numel() for p in SpeedNet().parameters() if p.requires_grad)
    assert trained == speed + 2 * (64 + 256 + 256) + 24 + 2560


@pytest.mark.parametrize("pool", ["last", "before-activation", "before-norm"])
def test_pooling_before_a_monotonic_activation_changes_nothing(pool):
    torch.manual_seed(0)
    last = ResNet9(width=4)
    other = ResNet9(width=4, pool=pool)
    parameters = list(last.parameters())
    with torch.no_grad():
        for target, value in zip(other.parameters(), parameters, strict=True):
            target.copy_(value)
    same = torch.allclose(last(images()), other(images()), atol=1e-5)
    assert same == (pool != "before-norm")


def test_ghost_batches_are_normalised_by_themselves():
    x = images(9) * 3 + 1
    layer = BatchNorm(3, ghost_size=4)
    found = layer(x)
    for part in (slice(0, 5), slice(5, 9)):
        assert torch.allclose(found[part], nn.BatchNorm2d(3)(x[part]), atol=1e-6)
    layer.eval()
    expected = (x - layer.running_mean.view(1, 3, 1, 1)) / (
        layer.running_var.view(1, 3, 1, 1) + layer.eps
    ).sqrt()
    assert torch.allclose(layer(x), expected, atol=1e-6)
    assert not BatchNorm(3, frozen_scale=True).weight.requires_grad


def test_whitened_patches_have_unit_covariance():
    data = shapes32(300).images.permute(0, 3, 1, 2).float() / 255
    layer = PatchWhitening(2, negated=False)
    layer.fit(data, eps=0.0)
    out = layer(data).permute(1, 0, 2, 3).flatten(1).double()
    second_moment = out @ out.T / out.shape[1]
    assert torch.allclose(second_moment, torch.eye(12, dtype=torch.float64), atol=2e-3)
    doubled = PatchWhitening(2)
    doubled.fit(data)
    assert torch.equal(doubled.weight[:12], -doubled.weight[12:])
    with pytest.raises(InputError, match="smaller than a patch"):
        layer.fit(data[:, :, :1])


def test_speednet_begins_as_the_identity_and_reads_any_size():
    model = SpeedNet(widths=(30, 40, 40))
    x = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model.blocks[0].conv1(x)[:, :24], x, atol=1e-6)
    for size in (24, 32, 47):
        assert model(torch.zeros(2, 3, size, size)).shape == (2, 10)
    with pytest.raises(InputError, match="widths"):
        SpeedNet(widths=())
    with pytest.raises(InputError, match="activation='tanh'"):
        SpeedNet(activation="tanh")


def test_frozen_groups_have_no_gradient_and_the_others_the_same():
    torch.manual_seed(0)
    model = SpeedNet(widths=(8, 8, 8))
    model.whiten.fit(images(50))
    frozen = copy.deepcopy(model)
    frozen.frozen_stages = 2
    for each in (model, frozen):
        each(images()).square().sum().backward()
    for (name, one), other in zip(model.named_parameters(), frozen.parameters(), strict=True):
        if name.startswith(("whiten", "blocks.0")):
            assert other.grad is None
        elif one.grad is not None:
            assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_resnet18_has_eight_blocks():
    model = ResNet18()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert sum(m.kernel_size == (3, 3) for m in convolutions) == 17
    assert model.features(images()).shape == (4, 512)


@pytest.mark.parametrize("network", ["resnet18", "resnet9", "speednet"])
def test_predictions_depend_on_the_image_alone_and_change_nothing(network):
    torch.manual_seed(0)
    model = Recipe(network=network, width=4).build(10)
    if getattr(model, "whiten", None) is not None:
        model.whiten.fit(images(50))
    model(images(8))  # running statistics
    model.train()
    data = shapes32(30).images

    def normalize(x: torch.Tensor) -> torch.Tensor:
        return x.float() / 255

    before = {name: value.clone() for name, value in model.state_dict().items()}
    for tta in ("none", "mirror", "translate"):
        whole = predict_logits(model, data, normalize, tta=tta)
        for i in (4, 9):
            alone = predict_logits(model, data[i : i + 1], normalize, tta=tta)
            assert torch.allclose(whole[i : i + 1], alone, atol=1e-5)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_test_time_augmentation_is_the_mean_of_its_views():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2)).eval()
    data = torch.randint(256, (3, 8, 8, 3), generator=torch.Generator().manual_seed(0)).byte()
    x = data.permute(0, 3, 1, 2).float()
    padded = nn.functional.pad(x, (1,) * 4, mode="reflect")
    views = [(x, 0.5), (padded[:, :, :8, :8], 0.25), (padded[:, :, 2:, 2:], 0.25)]
    expected = sum(w * (model(v) + model(v.flip(-1))) / 2 for v, w in views)
    found = predict_logits(model, data, lambda b: b.float(), tta="translate")
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-3)
    mirrored = predict_logits(model, data.flip(2), lambda b: b.float(), tta="mirror")
    assert torch.allclose(mirrored, (model(x) + model(x.flip(-1))) / 2, rtol=1e-4, atol=1e-3)
    with pytest.raises(InputError, match="tta='all'"):
        predict_logits(model, data, lambda b: b.float(), tta="all")


def test_muon_moves_along_the_polar_factor():
    random = torch.Generator().manual_seed(0)
    start = torch.randn(6, 2, 3, 3, generator=random, dtype=torch.float64)
    gradients = [torch.randn(6, 2, 3, 3, generator=random, dtype=torch.float64) for _ in range(3)]
    weight = nn.Parameter(start.clone())
    optimizer = Muon([weight], lr=0.1, momentum=0.6, steps=10)
    expected, velocity = start.clone(), torch.zeros_like(start)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        velocity = 0.6 * velocity + gradient
        u, _, v = torch.linalg.svd((gradient + 0.6 * velocity).view(6, 18), full_matrices=False)
        expected = expected * 6**0.5 / expected.norm() - 0.1 * (u @ v).view_as(expected)
        assert torch.allclose(weight.detach(), expected, atol=1e-9)


def test_other_groups_of_muon_are_sgd_with_nesterov():
    torch.manual_seed(0)
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    other.load_state_dict(one.state_dict())
    group = {"params": one.parameters(), "orthogonalize": False, "weight_decay": 0.1}
    ours = Muon([group], lr=0.05, momentum=0.9)
    theirs = torch.optim.SGD(
        other.parameters(), lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True
    )
    for _ in range(5):
        x = torch.randn(4, 3)
        for model, optimizer in ((one, ours), (other, theirs)):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    assert torch.allclose(one.weight, other.weight, atol=1e-6)
    assert torch.allclose(one.bias, other.bias, atol=1e-6)


def test_muon_refuses_and_leaves_zeros():
    with pytest.raises(InputError, match="no matrix"):
        Muon([nn.Parameter(torch.zeros(3))])
    with pytest.raises(InputError, match="momentum=1"):
        Muon([nn.Parameter(torch.zeros(3, 3))], momentum=1.0)
    weight = nn.Parameter(torch.zeros(2, 2))
    optimizer = Muon([weight], momentum=0.0)
    optimizer.step()  # no gradient
    weight.grad = torch.zeros(2, 2)
    optimizer.step()
    assert bool((weight == 0).all())


def test_muon_pads_parameters_with_equally_many_rows():
    """Zero columns change no polar factor, so each parameter moves as it would alone."""
    torch.manual_seed(0)
    shapes = [(6, 3, 3, 3), (6, 2, 3, 3), (6, 40), (8, 5)]

    def moved(places):
        generator = torch.Generator().manual_seed(1)
        drawn = [(torch.randn(s, generator=generator), torch.randn(s, generator=generator))
                 for s in shapes]  # fmt: skip
        weights = [nn.Parameter(drawn[place][0].clone()) for place in places]
        for weight, place in zip(weights, places, strict=True):
            weight.grad = drawn[place][1]
        Muon(weights, lr=0.1, momentum=0.5, steps=6).step()
        return weights

    together = moved(range(len(shapes)))
    for place, weight in enumerate(together):
        assert torch.allclose(weight, moved([place])[0], atol=1e-5)


@pytest.mark.parametrize("orthogonalize", [True, False])
def test_a_learning_rate_may_be_a_tensor(orthogonalize):
    def moved(lr):
        torch.manual_seed(0)
        weight = nn.Parameter(torch.randn(4, 6))
        optimizer = Muon([weight], lr=lr, momentum=0.5, orthogonalize=orthogonalize)
        for _ in range(2):
            weight.grad = torch.ones(4, 6) + weight.detach()
            optimizer.step()
        return weight

    assert torch.allclose(moved(torch.tensor(0.03)), moved(0.03), atol=1e-6)


def test_polar_factors_may_have_another_precision():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(16, 32))
    weight.grad = torch.randn(16, 32)
    start = weight.detach() * 4 / weight.detach().norm()
    Muon([weight], lr=1.0, momentum=0.0, steps=6, dtype=torch.bfloat16).step()
    values = torch.linalg.svdvals(start - weight.detach())
    assert weight.dtype == torch.float32
    assert (values - 1).abs().max() < 0.1


def test_the_whitening_is_frozen_alone():
    torch.manual_seed(0)
    model = SpeedNet(widths=(8, 8, 8))
    model.whiten.fit(images(50))
    model.frozen_stages = 1
    model(images()).square().sum().backward()
    without = {name for name, p in model.named_parameters() if p.requires_grad and p.grad is None}
    assert without == {"whiten.bias"}


def test_the_spatial_maximum_is_that_of_amax_and_its_gradient():
    x = torch.randn(3, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    (one,) = torch.autograd.grad(spatial_maximum(x).square().sum(), x)
    (other,) = torch.autograd.grad(x.amax(dim=(2, 3)).square().sum(), x)
    assert torch.equal(one, other)
    assert torch.equal(spatial_maximum(x), x.amax(dim=(2, 3)))


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # of the compiler itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_backward_pass_in_bfloat16_is_finite():
    """Rounding between a maximum and what it is compared with gave 0 / 0."""
    torch.manual_seed(0)
    x = torch.randn(64, 8, 3, 3).bfloat16().requires_grad_()

    @torch.compile
    def function(x: torch.Tensor) -> torch.Tensor:
        return spatial_maximum(nn.functional.gelu(x * 1.7)).float().sum()

    (gradient,) = torch.autograd.grad(function(x), x)
    assert gradient.isfinite().all()
    assert (gradient != 0).sum() <= 64 * 8
