"""The images of ``few-label-probe`` and the encoders that are compared on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.autoencoders import (
    Autoencoder,
    ConvolutionalAutoencoder,
    Mask,
    Noise,
    Warp,
)
from eigenlab.experiments.few_label_probe.config import FewLabelConfig
from eigenlab.training import generator

RAW, PCA = "raw pixels", "PCA"
LINEAR = ("vanilla", "denoising", "masked", "warped")  # layers are linear
CONVOLUTIONAL = ("masked, convolutional", "warped, convolutional")
TRAINED = (*LINEAR, *CONVOLUTIONAL)
RANDOM, RANDOM_CONVOLUTIONAL = "random", "random, convolutional"
ENCODERS = (RAW, PCA, RANDOM, *LINEAR, RANDOM_CONVOLUTIONAL, *CONVOLUTIONAL)
MASKED, WARPED, WARPED_CONVOLUTIONAL = LINEAR[-2], LINEAR[-1], CONVOLUTIONAL[-1]
BASELINES = (RAW, PCA, RANDOM, RANDOM_CONVOLUTIONAL)

#: From images (n, pixels) to features (n, k).
Encoder = Callable[[Tensor], Tensor]


class Images(NamedTuple):
    """Flattened images in [0, 1], in three parts, with suitable settings.

    Args:
        shape: (height, width).
        train: (n, pixels), without labels.
        pool: images and labels; the labelled images are drawn from these.
        test: images and labels.
        hidden_sizes: widths of the encoders' linear layers.
        channels: output channels of the convolutional encoders' layers.
        n_components: axes of PCA.
        judged: the encoder of the figures; on MNIST chosen on validation images, before any test.
        claimed: the encoders that claims refer to, all trained for every seed.
        label_counts: numbers of labelled images.
    """

    shape: tuple[int, int]
    train: Tensor
    pool: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    hidden_sizes: tuple[int, ...]
    channels: tuple[int, ...]
    n_components: int
    judged: str
    claimed: tuple[str, ...]
    label_counts: tuple[int, ...]


def load_small_digits(config: FewLabelConfig) -> Images:
    """The 1,797 8 x 8 digits that come with scikit-learn: 897 train, 400 to label, 500 test."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=generator(0, "digits"))
    images, labels = torch.tensor(x / 16, dtype=torch.float32)[order], torch.tensor(y)[order]
    return Images(
        (8, 8),
        images[:897],
        (images[897:1297], labels[897:1297]),
        (images[1297:], labels[1297:]),
        hidden_sizes=config.digits_hidden_sizes,
        channels=(32, 64),
        n_components=32,
        judged=WARPED,  # 8 x 8 pixels are too few for strided convolutions
        claimed=(WARPED,),
        label_counts=_ascending(config.n_labels, config.digits_label_counts),
    )


def load_large_digits(config: FewLabelConfig) -> Images:
    """MNIST: 50,000 train, the 10,000 after them to label, and its own 10,000 test images."""
    from eigenlab.data import load_mnist

    parts = []
    for split in ("train", "test"):
        images, labels = load_mnist(split)
        parts.append((torch.tensor(images).flatten(1) / 255, torch.tensor(labels)))
    (x, y), test = parts
    return Images(
        (28, 28),
        x[:50_000],
        (x[50_000:], y[50_000:]),
        test,
        hidden_sizes=config.mnist_hidden_sizes,
        channels=(32, 64, 128),
        n_components=64,
        judged=WARPED_CONVOLUTIONAL,
        claimed=(MASKED, WARPED_CONVOLUTIONAL),
        label_counts=_ascending(config.n_labels, config.mnist_label_counts),
    )


def _ascending(n_labels: int, further: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({n_labels, *further}))


def build(name: str, data: Images, seed: int, config: FewLabelConfig) -> Autoencoder:
    """Return the untrained autoencoder called ``name``.

    Those of one architecture start from the same weights.
    """
    corruption = {
        "vanilla": None,
        "denoising": Noise(config.noise_std),
        "masked": Mask(config.mask_prob),
        "warped": Warp(data.shape),
    }[name.partition(",")[0]]
    weights = generator(seed, "weights")
    if name in CONVOLUTIONAL:
        return ConvolutionalAutoencoder(
            data.shape,
            data.hidden_sizes[-1:],
            channels=data.channels,
            corruption=corruption,
            generator=weights,
        )
    return Autoencoder(
        data.train.shape[1], data.hidden_sizes, corruption=corruption, generator=weights
    )


def build_untrained(name: str, data: Images, seed: int, config: FewLabelConfig) -> Encoder:
    """Return an encoder that is not trained: raw pixels, PCA or a random network."""
    if name == RAW:
        return lambda x: x
    if name != PCA:
        architecture = WARPED_CONVOLUTIONAL if name == RANDOM_CONVOLUTIONAL else "vanilla"
        return build(architecture, data, seed, config).encode
    from sklearn.decomposition import PCA as SklearnPCA

    pca = SklearnPCA(data.n_components, random_state=seed % 2**32).fit(data.train.numpy())
    axes, mean = torch.tensor(pca.components_).float(), torch.tensor(pca.mean_).float()
    return lambda x: (x - mean) @ axes.T
