import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.vision import CifarLoader, ImageDataset, channel_statistics, shapes32
from eigenlab.vision.augment import crop, cutout, flip, pad_reflecting


def images(count: int = 5, height: int = 6, width: int = 7) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, 3, height, width), generator=random).to(torch.uint8)


def slow_pixel(image, row, column):
    """The pixel of an image that continues as its mirror image beyond each border."""
    height, width = image.shape[1:]
    row, column = abs(row), abs(column)
    row = 2 * (height - 1) - row if row >= height else row
    column = 2 * (width - 1) - column if column >= width else column
    return image[:, row, column]


@settings(max_examples=25, deadline=None)
@given(data=st.data(), margin=st.integers(0, 3))
def test_translated_images_pixel_by_pixel(data, margin):
    x = images()
    rows = torch.tensor(data.draw(st.lists(st.integers(0, 2 * margin), min_size=5, max_size=5)))
    columns = torch.tensor(data.draw(st.lists(st.integers(0, 2 * margin), min_size=5, max_size=5)))
    found = crop(pad_reflecting(x, margin), rows, columns, (6, 7))
    for b in range(5):
        for i in range(6):
            for j in range(7):
                expected = slow_pixel(x[b], i + rows[b] - margin, j + columns[b] - margin)
                assert torch.equal(found[b, :, i, j], expected)


def test_padding_agrees_with_torch():
    x = images()
    assert torch.equal(
        pad_reflecting(x, 3).float(), torch.nn.functional.pad(x.float(), (3,) * 4, mode="reflect")
    )
    assert torch.equal(pad_reflecting(x.float(), 2), pad_reflecting(x, 2).float())
    with pytest.raises(InputError, match="margin=6"):
        pad_reflecting(x, 6)


def test_flip_pixel_by_pixel():
    x = images()
    mask = torch.tensor([True, False, True, False, False])
    found = flip(x, mask)
    for b in range(5):
        for j in range(7):
            source = 6 - j if mask[b] else j
            assert torch.equal(found[b, :, :, j], x[b, :, :, source])


@settings(max_examples=25, deadline=None)
@given(data=st.data(), size=st.integers(1, 6))
def test_cutout_pixel_by_pixel(data, size):
    x = images()
    places = st.lists(st.integers(-3, 6), min_size=5, max_size=5)
    rows, columns = torch.tensor(data.draw(places)), torch.tensor(data.draw(places))
    fill = torch.tensor([1, 2, 3], dtype=torch.uint8)
    found = cutout(x, rows, columns, size, fill)
    for b in range(5):
        for i in range(6):
            for j in range(7):
                inside = rows[b] <= i < rows[b] + size and columns[b] <= j < columns[b] + size
                assert torch.equal(found[b, :, i, j], fill if inside else x[b, :, i, j])


def dataset(count: int = 20) -> ImageDataset:
    return shapes32(count, seed=3)


def test_the_loader_against_a_slow_one():
    data = dataset()
    loader = CifarLoader(data, 8, seed=5, flip="random", translate=3, cutout=6)
    choices = loader._choices(1)  # which choices are drawn is arbitrary; what they do is not
    mean, deviation = channel_statistics(data.images)
    fill = (mean * 255).round() / 255
    for place, step in ((0, 3), (1, 4), (2, 5)):
        found, labels = loader(step)
        order = choices["order"][8 * place : 8 * place + 8]
        assert torch.equal(labels, data.labels[order])
        for b, index in enumerate(order.tolist()):
            row = {name: int(values[8 * place + b]) for name, values in choices.items()}
            image = data.images[index].permute(2, 0, 1)
            for i, j in ((0, 0), (5, 31), (31, 2), (16, 16), (9, 20)):
                across = 31 - j if row["flip"] else j
                pixel = slow_pixel(image, i + row["rows"] - 3, across + row["columns"] - 3) / 255
                if 0 <= i - row["cut_rows"] < 6 and 0 <= j - row["cut_columns"] < 6:
                    pixel = fill
                assert torch.allclose(found[b, :, i, j], (pixel - mean) / deviation, atol=1e-5)


def test_each_epoch_visits_every_image_once():
    data = dataset(20)
    loader = CifarLoader(data, 8, seed=0)
    for epoch in range(3):
        labels = torch.cat([loader(3 * epoch + place)[1] for place in range(3)])
        assert torch.equal(labels.sort().values, data.labels.sort().values)
    assert CifarLoader(data, 8, seed=0, drop_last=True).steps_per_epoch == 2


def test_alternating_flips_show_each_image_both_ways():
    x = torch.zeros(40, 4, 4, 3, dtype=torch.uint8)
    x[:, :, 0] = 200  # the left column
    x[:, 0, 0, 2] = torch.arange(40).to(torch.uint8)  # tells the images apart
    data = ImageDataset(x, torch.arange(40) % 2, ("a", "b"))

    def left(flip: str, epoch: int) -> torch.Tensor:
        loader = CifarLoader(data, 40, seed=1, flip=flip)
        images, _ = loader(epoch)
        order = loader._choices(epoch)["order"]
        shown = torch.zeros(40, dtype=torch.bool)
        shown[order] = images[:, 0, 1, 0] > images[:, 0, 1, -1]
        return shown

    first, second, third = (left("alternating", epoch) for epoch in range(3))
    assert bool((first ^ second).all())
    assert torch.equal(first, third)
    assert 8 < int(first.sum()) < 32
    random = [left("random", epoch) for epoch in range(2)]
    assert not bool((random[0] ^ random[1]).all())


def test_batches_depend_on_seed_and_step_alone():
    data = dataset()
    options = {"flip": "alternating", "translate": 2, "cutout": 4}
    one, other = (CifarLoader(data, 6, seed=2, **options) for _ in range(2))
    forward = [one(step)[0] for step in range(8)]
    backward = [other(step)[0] for step in reversed(range(8))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(forward, backward, strict=True))
    assert not torch.equal(CifarLoader(data, 6, seed=3, **options)(0)[0], forward[0])


def test_shards_make_up_the_batch():
    loader = CifarLoader(dataset(), 7, seed=2, flip="random", translate=1)
    whole = loader(2)
    parts = [loader.shard(2, rank, 3) for rank in range(3)]
    for index in range(2):
        assert torch.equal(torch.cat([part[index] for part in parts]), whole[index])


def test_normalised_images_have_mean_0_and_deviation_1():
    data = dataset(200)
    images, _ = CifarLoader(data, 200, seed=0)(0)
    assert images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (images.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-4
    mean, deviation = channel_statistics(data.images)
    exact = data.images.double().view(-1, 3) / 255
    assert torch.allclose(mean.double(), exact.mean(0), atol=1e-6)
    assert torch.allclose(deviation.double(), exact.std(0, correction=0), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 50, "drop_last": True}, "more than the 20 images"),
        ({"flip": "both"}, "flip='both'"),
        ({"translate": 32}, "translate=32"),
        ({"cutout": 33}, "cutout=33"),
    ],
)
def test_the_loader_refuses(options, said):
    with pytest.raises(InputError, match=said):
        CifarLoader(dataset(), **{"batch_size": 4, "seed": 0, **options})


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (torch.zeros(2, 4, 4, 3), torch.zeros(2, dtype=torch.long), "uint8"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.long), "shape"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.zeros(3, dtype=torch.long), "labels"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.tensor([0, 2]), "from 0 to 2"),
    ],
)
def test_datasets_refuse(images, labels, said):
    with pytest.raises(InputError, match=said):
        ImageDataset(images, labels, ("a", "b"))


def test_jitter_is_drawn_within_its_bounds_and_applied_after_normalising():
    data = shapes32(60, seed=0)
    plain = CifarLoader(data, 30, seed=4, flip="random")
    loader = CifarLoader(data, 30, seed=4, flip="random", brightness=0.2, contrast=0.1)
    choices = loader.choices(1)
    assert choices["shift"].abs().max() <= 0.2
    assert choices["shift"].std() > 0.05
    assert (choices["scale"] - 1).abs().max() <= 0.1
    assert torch.equal(choices["order"], plain.choices(1)["order"])  # other draws are as before
    images, labels = loader(1)
    expected = torch.stack(
        [
            (image + shift) * scale
            for image, shift, scale in zip(
                plain(1)[0], choices["shift"], choices["scale"], strict=True
            )
        ]
    )
    assert torch.allclose(images, expected, atol=1e-6)
    assert torch.equal(labels, plain(1)[1])
    with pytest.raises(InputError, match=r"contrast=1\.0"):
        CifarLoader(data, 30, seed=0, contrast=1.0)
    with pytest.raises(InputError, match="brightness=-1"):
        CifarLoader(data, 30, seed=0, brightness=-1)


def test_a_reseeded_loader_is_one_with_that_seed():
    data = shapes32(60, seed=0)
    loader = CifarLoader(data, 20, seed=0, flip="alternating", translate=2)
    first = loader(0)
    other = loader.reseeded(7)
    expected = CifarLoader(data, 20, seed=7, flip="alternating", translate=2)
    for step in (0, 4):
        assert torch.equal(other(step)[0], expected(step)[0])
    assert torch.equal(loader(0)[0], first[0])
