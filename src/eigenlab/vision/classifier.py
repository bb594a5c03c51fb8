"""A classifier to fit to one's own pictures."""

from __future__ import annotations

from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum.matrices import as_tensor
from eigenlab.training import TrainingHistory, distributed, resolve_device
from eigenlab.training.device import present_or_cpu
from eigenlab.training.precision import Precision, resolve_precision
from eigenlab.training.seeding import resolve_seed
from eigenlab.training.storage import read_model, write_model
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.evaluation import (
    TestTimeAugmentation,
    channels_last,
    normalize,
    predict_logits,
)
from eigenlab.vision.loader import Flip
from eigenlab.vision.recipe import Recipe
from eigenlab.vision.scaling import crop_and_scale
from eigenlab.vision.speednet import SpeedNet
from eigenlab.vision.training import train_cifar10

FORMAT = "eigenlab.vision.ImageClassifier/1"
#: Images that are scaled together.
BLOCK = 1000


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """A :class:`SpeedNet` fitted to labelled images of any size.

    Images that are not square are cut to a square about their centre, as by :func:`read_picture`,
    and all are scaled to ``image_size`` pixels and normalised by the mean and standard deviation
    of the training images. The prediction for an image does not depend on the others.

    Args:
        width: channels of the first group; the others have 4 times as many. Default: ``64``.
        image_size: height and width that the network reads. Default: ``32``.
        n_epochs: passes over the images. Default: ``10.0``.
        batch_size: images per update, fewer where a quarter of the images is less. Default:
            ``500``.
        learning_rate: highest, of the convolutions; see :class:`Recipe`. Default: ``0.24``.
        label_smoothing: share of the probability spread over all classes; it also makes predicted
            probabilities less extreme. Default: ``0.2``.
        flip: whether images are mirrored in training: ``"none"``, ``"random"`` or
            ``"alternating"``. With mirrored letters or digits among the classes use ``"none"``.
            Default: ``"alternating"``.
        translate: most pixels by which images are moved in training. Default: ``2``.
        cutout: side of a square that is painted over in training. Default: ``0``.
        tta: test-time augmentation, ``"none"``, ``"mirror"`` or ``"translate"``; see
            :func:`predict_logits`. Default: ``"none"``.
        precision: of the products in training: ``"float32"``, ``"bfloat16"`` or ``"auto"``.
            Predictions are in float32. Default: ``"float32"``.
        random_state: seed or ``RandomState`` of weights, order and augmentation. Default:
            ``None``, another result in each call.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``. Default: ``"cpu"``.

    Attributes:
        classes_: the classes in ascending order.
        model_: the fitted network, in evaluation mode.
        history_: losses of the training; absent after :meth:`load`.

    >>> from eigenlab.vision import shapes32
    >>> data = shapes32(60)
    >>> names = np.array(data.classes)[data.labels]
    >>> model = ImageClassifier(width=4, n_epochs=1, random_state=0).fit(data.images, names)
    >>> model.predict(data.images[:2]).shape, model.predict_proba(data.images[:2]).shape
    ((2,), (2, 10))
    """

    classes_: npt.NDArray[Any]
    model_: SpeedNet
    history_: TrainingHistory

    def __init__(
        self,
        *,
        width: int = 64,
        image_size: int = 32,
        n_epochs: float = 10.0,
        batch_size: int = 500,
        learning_rate: float = 0.24,
        label_smoothing: float = 0.2,
        flip: Flip = "alternating",
        translate: int = 2,
        cutout: int = 0,
        tta: TestTimeAugmentation = "none",
        precision: Precision = "float32",
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.width = width
        self.image_size = image_size
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.flip = flip
        self.translate = translate
        self.cutout = cutout
        self.tta = tta
        self.precision = precision
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        reporter: Reporter = SILENT,
        checkpoint: Path | None = None,
    ) -> ImageClassifier:
        """Fit to images and their classes.

        Args:
            X: images, uint8 or floats in [0, 1], (n, height, width, 3) or grey (n, height, width).
            y: class of each, (n,), strings or integers, at least two different ones.
            reporter: receives progress and may cancel. Default: silent.
            checkpoint: path prefix of the files from which an interrupted fit with an integer
                ``random_state`` continues. Default: ``None``.

        Raises:
            InputError: images, classes or a parameter cannot be used.
            TrainingDiverged: the loss is not finite.
        """
        self.check_parameters()
        images = as_images(X, self._size())
        classes, labels = _encoded(y, len(images))
        if checkpoint is not None and not isinstance(self.random_state, Integral):
            raise InputError(
                "a checkpoint needs random_state=an integer: the seed makes the training another "
                "one each time"
            )
        data = ImageDataset(images, labels, tuple(map(str, classes)))
        found = train_cifar10(
            self._recipe(len(images)),
            data,
            seed=_agreed(resolve_seed(self.random_state)),
            device=self.device,
            reporter=reporter,
            checkpoint=checkpoint,
        )
        assert isinstance(found.model, SpeedNet)
        self.classes_, self.model_, self.history_ = classes, found.model, found.history
        self._statistics = found.statistics
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probability of each class, (n, n_classes), in the order of ``classes_``.

        Args:
            X: images as in :meth:`fit`, of any size.

        Raises:
            InputError: the images cannot be used.
        """
        check_is_fitted(self, "model_")
        images = as_images(X, self._size()).to(self._statistics[0].device)
        logits = predict_logits(
            self.model_, images, lambda block: normalize(block, self._statistics), tta=self.tta
        )
        return logits.double().softmax(1).cpu().numpy()

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable class of each image, (n,).

        Args:
            X: images as in :meth:`fit`, of any size.
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def save(self, path: Path | str) -> None:
        """Write the fitted classifier to one safetensors file, with JSON in its header.

        Args:
            path: the file. A ``RandomState`` in ``random_state`` is stored as None.
        """
        check_is_fitted(self, "model_")
        parameters = self.get_params()
        if not isinstance(self.random_state, Integral):
            parameters["random_state"] = None
        described = {"parameters": parameters, "classes": self.classes_.tolist()}
        mean, deviation = self._statistics
        tensors = {**self.model_.state_dict(), "mean": mean, "deviation": deviation}
        write_model(path, tensors, format=FORMAT, description=dump_json(described, indent=None))

    @classmethod
    def load(cls, path: Path | str) -> ImageClassifier:
        """Read a classifier that :meth:`save` wrote; its predictions are the same.

        Where the device of the training is not present, ``device`` is ``"cpu"``.

        Args:
            path: the file.

        Raises:
            InputError: the file is missing, damaged, or not of an ImageClassifier.
        """
        weights, header = read_model(path, format=FORMAT)
        try:
            described = load_json(header["description"])
            found = cls(**described["parameters"])
            found.classes_ = np.array(described["classes"])
            found.device = present_or_cpu(found.device)
            device = resolve_device(found.device)
            found._statistics = (
                weights.pop("mean").to(device),
                weights.pop("deviation").to(device),
            )
            network = found._recipe(None).build(len(found.classes_))
            assert isinstance(network, SpeedNet)
            network.load_state_dict(weights)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{path} does not hold this version's ImageClassifier: {error}"
            ) from None
        found.model_ = channels_last(network.to(device)).eval()
        return found

    def check_parameters(self) -> None:
        """Refuse parameters that cannot be used, before images are read; :meth:`fit` does so, too.

        Raises:
            InputError: a parameter is of a wrong type or out of range.

        >>> ImageClassifier(width=0).check_parameters()
        Traceback (most recent call last):
            ...
        eigenlab.errors.InputError: width=0 must be at least 1
        """
        self._size()
        resolve_precision(self.precision, resolve_device(self.device))
        self._recipe(None)

    def _size(self) -> int:
        if not isinstance(self.image_size, Integral) or self.image_size < 16:
            raise InputError(f"image_size={self.image_size!r} must be an integer of at least 16")
        return int(self.image_size)

    def _recipe(self, n_images: int | None) -> Recipe:
        """The recipe, with batches of at most a quarter of the images where these are given."""
        recipe = Recipe(
            width=self.width,
            epochs=self.n_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            label_smoothing=self.label_smoothing,
            flip=self.flip,
            translate=self.translate,
            cutout=self.cutout,
            tta=self.tta,
            precision=self.precision,
        )
        if n_images is None:
            return recipe
        return recipe.replaced(batch_size=max(1, min(self.batch_size, n_images // 4)))


def as_images(X: Any, size: int) -> Tensor:
    """Images as bytes (n, size, size, 3).

    Args:
        X: uint8 or floats in [0, 1], (n, height, width, 3) or grey (n, height, width), array or
            tensor.
        size: height and width to which they are cut and scaled; see :func:`crop_and_scale`.

    Raises:
        InputError: they have another shape, dtype or range.

    >>> as_images(np.zeros((2, 8, 8)), 16).shape
    torch.Size([2, 16, 16, 3])
    """
    images = X.detach().cpu() if isinstance(X, Tensor) else as_tensor(_array(X))
    if images.ndim == 3 and images.shape[-1] in (3, 4):
        one = "X[None]" if images.shape[-1] == 3 else "X[None, ..., :3]"
        raise InputError(
            f"X has shape {tuple(images.shape)}, which looks like one image in colour; expected "
            f"several, (n, height, width, 3); give {one}"
        )
    if images.ndim == 3:
        images = images.unsqueeze(-1).expand(*images.shape, 3)
    if images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
        raise InputError(
            f"X has shape {tuple(images.shape)}; expected images (n, height, width, 3), or grey "
            "ones (n, height, width); a single image needs X[None]"
        )
    if images.is_floating_point():
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):
            raise InputError(
                f"X holds numbers from {low:.4g} to {high:.4g}; floating-point images are in "
                "[0, 1]; divide by 255, or give uint8"
            )
    elif images.dtype != torch.uint8:
        raise InputError(f"X has dtype {images.dtype}; expected uint8, or floats in [0, 1]")
    return torch.cat([crop_and_scale(_bytes(block), size) for block in images.split(BLOCK)])


def _agreed(seed: int) -> int:
    """The seed of the first of the processes that train together.

    Without a ``random_state`` each has drawn its own, and with these their parts of a batch would
    be of different batches.
    """
    return int(distributed.current().broadcast_bytes(str(seed).encode()))


def _array(X: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(X)
        if array.dtype.kind not in "uif":
            raise TypeError
    except (TypeError, ValueError):
        raise InputError(
            "X is not an array of numbers; expected images (n, height, width, 3); read files with "
            "eigenlab.vision.read_picture"
        ) from None
    return array


def _bytes(images: Tensor) -> Tensor:
    """Floats in [0, 1] as bytes, before they are scaled, so that both kinds are scaled alike."""
    return images if images.dtype == torch.uint8 else (255.0 * images.float()).round().byte()


def _encoded(y: Any, count: int) -> tuple[npt.NDArray[Any], Tensor]:
    """The classes in ascending order, and the index of each label."""
    labels = np.asarray(y)
    if labels.shape != (count,) or labels.dtype.kind not in "iubUO":
        raise InputError(
            f"y has shape {labels.shape} and dtype {labels.dtype}; expected {count} strings or "
            "integers, one for each image"
        )
    if labels.dtype.kind == "O":
        foreign = [label for label in labels if not isinstance(label, str)]
        if foreign:
            raise InputError(f"y holds {foreign[0]!r}; expected strings or integers")
        labels = labels.astype(str)
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        only = classes[0].item()  # the class, not numpy's wrapper of it
        raise InputError(f"y holds one class, {only!r}; a classifier needs at least two")
    return classes, torch.from_numpy(index.astype(np.int64))
