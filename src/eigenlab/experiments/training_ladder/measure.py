"""What ``training-ladder`` measures."""

from __future__ import annotations

import copy
from functools import cache, partial

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from eigenlab.experiments.training_ladder.config import TrainingLadderConfig
from eigenlab.experiments.training_ladder.records import (
    LANDMARKS,
    LAST,
    ClimbRecord,
    Confused,
    InsideRecord,
    PartsRecord,
    RungRecord,
)
from eigenlab.lab import Context, stage
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.spectrum import orthogonalization_error, orthogonalize, whitening
from eigenlab.training import derive_seed, generator, resolve_device, seeded
from eigenlab.vision import (
    CifarLoader,
    ImageDataset,
    Recipe,
    ResNet9,
    Rung,
    TrainedNetwork,
    feature_spectrum,
    filters_as_images,
    first_filters,
    image_features,
    ladder,
    load_cifar10,
    normalize,
    predict_logits,
    shapes32,
    train_cifar10,
)

#: Iterations of the orthogonalisation that are checked, and the interval of their bound.
STEPS, LOWER = (1, 2, 3, 4, 5, 6), 0.02
#: Images whose patches, flips and logits are looked at.
SAMPLE = 200
#: Operations of forward and backward per operation of the forward pass.
BACKWARD = 3
#: Training images of CIFAR-10, for the published numbers of updates.
PUBLISHED_IMAGES = 50_000
MOST_CONFUSED = 12


@stage
def parts(config: TrainingLadderConfig, context: Context) -> PartsRecord:
    """Whitening, orthogonalisation, pooling, flips and mirror images, each by itself."""
    data, _ = _images(config, context.reporter)
    sample = data.subset(slice(0, SAMPLE))
    correlation, whitened = _patches(sample)
    errors, distances = _orthogonalized(config.seed)
    before_activation, before_norm = _pooled(sample, config.seed)
    mirrored, alone = _mirrored(sample, config.seed)
    rungs = ladder()
    published = [rung for rung in rungs if rung.published is not None]
    return PartsRecord(
        correlation=correlation,
        whitened=whitened,
        steps=STEPS,
        bounds=[orthogonalization_error(steps, LOWER) for steps in STEPS],
        errors=errors,
        polar_distances=distances,
        pooled_before_activation=before_activation,
        pooled_before_norm=before_norm,
        both_ways_alternating=_both_ways(data, "alternating", config.seed),
        both_ways_random=_both_ways(data, "random", config.seed),
        flipped_images=len(data),
        mirrored=mirrored,
        mirrored_alone=alone,
        operations={
            rung.name: operations(rung.recipe) * rung.recipe.epochs * PUBLISHED_IMAGES
            for rung in rungs
        },
        published={rung.name: rung.published for rung in published},
        published_device={rung.name: rung.device for rung in published},
    )


def _images(config: TrainingLadderConfig, reporter: Reporter) -> tuple[ImageDataset, ImageDataset]:
    """Training and test images."""
    if config.data == "shapes32":
        return (
            shapes32(config.n_train, seed=derive_seed(config.seed, "train")),
            shapes32(config.n_test, seed=derive_seed(config.seed, "test")),
        )
    both = [load_cifar10("train", reporter=reporter), load_cifar10("test", reporter=reporter)]
    sizes = (config.n_train, config.n_test)
    return tuple(data.subset(slice(0, n)) for data, n in zip(both, sizes, strict=True))  # type: ignore[return-value]


def _patches(data: ImageDataset) -> tuple[float, float]:
    """Largest correlation within 2 x 2 patches, and how far from 1 their whitened covariance is."""
    pixels = data.images.permute(0, 3, 1, 2).double() / 255
    patches = torch.nn.functional.unfold(pixels, 2).transpose(1, 2).reshape(-1, 12)
    correlations = torch.corrcoef(patches.T) - torch.eye(12, dtype=torch.float64)
    white = whitening(patches)(patches)
    covariance = white.T @ white / len(white)
    identity = torch.eye(12, dtype=torch.float64)
    return float(correlations.abs().max()), float((covariance - identity).abs().max())


def _orthogonalized(seed: int) -> tuple[list[float], list[float]]:
    """Errors of singular values and distances to the polar factor, for each number of steps."""
    random = generator(seed, "polar")

    def orthonormal(rows: int, columns: int) -> Tensor:
        drawn = torch.randn(rows, columns, generator=random, dtype=torch.float64)
        return torch.linalg.qr(drawn)[0]

    # One of the singular values is at the lower end of the interval, relative to the norm of all.
    values = torch.linspace(0.2, 1, 16, dtype=torch.float64)
    values[0] = LOWER * values[1:].norm() / (1 - LOWER**2) ** 0.5
    left, right = orthonormal(32, 16), orthonormal(24, 16)
    matrix = left @ torch.diag(values) @ right.T
    exact = orthogonalize(left @ right.T)
    found = [orthogonalize(matrix, steps=steps, lower=LOWER) for steps in STEPS]
    spectra = [(left.T @ each @ right).diagonal() for each in found]
    return (
        [float((spectrum - 1).abs().max()) for spectrum in spectra],
        [float(torch.linalg.matrix_norm(each - exact, 2)) for each in found],
    )


def _pooled(data: ImageDataset, seed: int) -> tuple[float, float]:
    """Change of logits when a ResNet-9 pools earlier."""
    logits = {}
    images = data.images[:20].permute(0, 3, 1, 2).double() / 255
    for pool in ("last", "before-activation", "before-norm"):
        with seeded(seed, "pool"):
            model = ResNet9(width=4, pool=pool).double()
        with torch.no_grad():
            logits[pool] = model(images)
    last = logits["last"]
    return tuple(  # type: ignore[return-value]
        float((logits[pool] - last).abs().max()) for pool in ("before-activation", "before-norm")
    )


def _both_ways(data: ImageDataset, flip: str, seed: int) -> float:
    """Share of images that the first two epochs show both ways."""
    loader = CifarLoader(data, len(data), seed=seed, flip=flip)  # type: ignore[arg-type]
    plain = CifarLoader(data, len(data), seed=seed)
    flipped = []
    for epoch in (0, 1):
        (images, _), (unflipped, _) = loader(epoch), plain(epoch)
        own = torch.empty(len(data), dtype=torch.bool)
        own[loader.order(epoch)] = (images != unflipped).flatten(1).any(dim=1)
        flipped.append(own)
    return float((flipped[0] ^ flipped[1]).double().mean())


def _mirrored(data: ImageDataset, seed: int) -> tuple[float, float]:
    """Change of logits when images are mirrored, with and without the mean over both."""
    with seeded(seed, "mirror"):
        model = Recipe(width=4).build(len(data.classes)).double()

    def scaled(images: Tensor) -> Tensor:
        return images.double() / 255

    assert model.whiten is not None
    model.whiten.fit(scaled(data.images.permute(0, 3, 1, 2)))
    found = []
    for tta in ("mirror", "none"):
        one, other = (
            predict_logits(model, images, scaled, tta=tta)
            for images in (data.images, data.images.flip(2))
        )
        found.append(float((one - other).abs().max()))
    return found[0], found[1]


@cache
def operations(recipe: Recipe, size: int = 32) -> float:
    """Floating-point operations by which one image is learned from, forward and backward.

    Args:
        recipe: network.
        size: height and width of the image. Default: ``32``.
    """
    model = recipe.build(10).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.zeros(1, 3, size, size))
    return float(BACKWARD * counter.get_total_flops())


@stage
def climb(config: TrainingLadderConfig, context: Context) -> ClimbRecord:
    """Train the rungs with every seed."""
    data, test = _images(config, context.reporter)
    seeds = [derive_seed(config.seed, "training", k) for k in range(config.n_seeds)]
    rungs = [rung for rung in ladder() if config.rungs == "all" or rung.name in LANDMARKS]
    found = []
    for place, rung in enumerate(rungs):
        reporter = PartReporter(context.reporter, rung.name, place, len(rungs))
        job = partial(_climbed, config, rung, data, test, seeds, reporter)
        found.append(context.part(f"rung-{place}", RungRecord, job))
    device = resolve_device(config.device)
    return ClimbRecord(
        seeds=seeds,
        n_train=len(data),
        n_test=len(test),
        n_classes=len(data.classes),
        precision=config.precision,
        device=str(device),
        threads=torch.get_num_threads(),
        rungs=found,
    )


def reduced(recipe: Recipe, config: TrainingLadderConfig) -> Recipe:
    """The recipe of a rung as it is trained here.

    Args:
        recipe: as published.
        config: how it is reduced.
    """
    divisor = config.smaller_batches
    changes = {
        "width": config.width,
        "epochs": config.epochs or recipe.epochs,
        "batch_size": max(8, round(recipe.batch_size / divisor)),
        "precision": config.precision,
        "micro_batch_size": config.micro_batch_size or None,
    }
    if recipe.optimizer == "sgd":
        changes["learning_rate"] = recipe.learning_rate / divisor
        if recipe.bias_learning_rate is not None:
            changes["bias_learning_rate"] = recipe.bias_learning_rate / divisor
    return recipe.replaced(**changes)


def _climbed(
    config: TrainingLadderConfig,
    rung: Rung,
    data: ImageDataset,
    test: ImageDataset,
    seeds: list[int],
    reporter: Reporter,
) -> RungRecord:
    recipe = reduced(rung.recipe, config)
    runs = [
        train_cifar10(
            recipe,
            data,
            test,
            seed=seed,
            device=config.device,
            rehearse=place == 0,
            reporter=PartReporter(reporter, f"seed {place}", place, len(seeds)),
        )
        for place, seed in enumerate(seeds)
    ]
    return RungRecord(
        name=rung.name,
        change=rung.change,
        network=recipe.network,
        epochs=recipe.epochs,
        updates=runs[0].history.steps,
        operations=operations(recipe) * runs[0].n_seen,
        accuracy=[run.accuracy for run in runs],
        plain_accuracy=[run.plain_accuracy for run in runs],
        training_seconds=[run.training_seconds for run in runs],
        total_seconds=[run.total_seconds for run in runs],
    )


@stage
def inside(config: TrainingLadderConfig, context: Context) -> InsideRecord:
    """Look into the network at the top of the ladder."""
    data, test = _images(config, context.reporter)
    top = next(rung for rung in ladder() if rung.name == LAST)
    recipe = reduced(top.recipe, config)
    found = train_cifar10(
        recipe,
        data,
        test,
        seed=derive_seed(config.seed, "training", 0),
        device=config.device,
        evaluate_every=max(0.1, recipe.epochs / 10),
        reporter=context.reporter,
    )
    assert found.judgement is not None
    updates, accuracies = found.history.curve("accuracy")
    table = found.judgement.confusion()
    return InsideRecord(
        classes=test.classes,
        accuracy=found.accuracy,
        confusion=table.double(),
        by_class=found.judgement.by_class(),
        filters=filters_as_images(first_filters(found.model)),
        patch_variances=_variances(found, data),
        spectrum_untrained=_spectrum(_untrained(found), found, test),
        spectrum_trained=_spectrum(found.model, found, test),
        curve_updates=updates,
        curve=accuracies,
        confused=_confused(found, test),
    )


def _variances(found: TrainedNetwork, data: ImageDataset) -> Tensor:
    images = normalize(data.images[:SAMPLE].permute(0, 3, 1, 2), _on_cpu(found.statistics))
    patches = torch.nn.functional.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
    return whitening(patches, eps=1e-9).values


def _on_cpu(statistics: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return statistics[0].cpu(), statistics[1].cpu()


def _untrained(found: TrainedNetwork) -> torch.nn.Module:
    """The network with new weights, behind the same whitening."""
    fresh = copy.deepcopy(found.model).cpu()
    with seeded(found.seed, "untrained"):
        other = found.recipe.build(fresh.head.out_features)
    assert other.whiten is not None
    assert fresh.whiten is not None
    other.whiten.load_state_dict(fresh.whiten.state_dict())
    return other.train()


def _spectrum(model: torch.nn.Module, found: TrainedNetwork, test: ImageDataset) -> Tensor:
    """Relative standard deviations of the last features along their principal axes."""
    model = model.cpu()
    statistics = _on_cpu(found.statistics)
    if model.training:  # running statistics of an untrained network are not those of any data
        with torch.no_grad():
            for _ in range(10):
                model(normalize(test.images[:500].permute(0, 3, 1, 2), statistics))
    features = image_features(model, test.images, lambda block: normalize(block, statistics))  # type: ignore[arg-type]
    spectrum = feature_spectrum(features)
    return spectrum / spectrum[0]


def _confused(found: TrainedNetwork, test: ImageDataset) -> list[Confused]:
    judgement = found.judgement
    assert judgement is not None
    probabilities = judgement.logits.double().softmax(1)
    return [
        Confused(
            picture=test.images[row],
            label=test.classes[int(test.labels[row])],
            predicted=test.classes[int(judgement.logits[row].argmax())],
            probability=float(probabilities[row, test.labels[row]]),
        )
        for row in judgement.most_confused(MOST_CONFUSED).tolist()
    ]
