"""A common interface for arrays, tensors, sparse matrices and objects that multiply vectors."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy.sparse
import torch
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError
from eigenlab.spectrum.matrices import as_tensor

Floats = NDArray[np.floating]


class Operator(Protocol):
    """A linear map known by its products: also ``scipy.sparse.linalg.LinearOperator``."""

    shape: tuple[int, ...]
    dtype: Any

    def matmat(self, vectors: Any, /) -> Any:
        """The operator times the columns of an (n, m) block."""
        ...


OperatorLike: TypeAlias = (
    Operator | torch.Tensor | scipy.sparse.spmatrix | scipy.sparse.sparray | ArrayLike
)


class CountingOperator:
    """A square operator that counts the columns it is applied to and refuses NaN.

    Args:
        name: name of the argument, for error messages.
        operator: array, tensor, sparse matrix or object with ``shape``, ``dtype`` and ``matmat``.

    Attributes:
        dtype: float32 if the operator's entries are, else float64; that of blocks of vectors.
        matrix: the matrix itself where there is one (array, tensor on the CPU, sparse), else None.
        n: number of rows.
        n_products: number of columns multiplied so far.
    """

    def __init__(self, name: str, operator: OperatorLike) -> None:
        self.name = name
        self.n_products = 0
        self.matrix: Any = None
        self._device: torch.device | None = None
        source: Any = operator
        if isinstance(source, torch.Tensor):
            source = source.detach()
            if source.dtype in {torch.float16, torch.bfloat16}:  # numpy has no bfloat16
                source = source.float()
            if source.device.type == "cpu" and source.layout == torch.strided:
                source = source.numpy()
            else:
                self._device = source.device
        if isinstance(source, np.ndarray) or scipy.sparse.issparse(source):
            self.matrix = source
        elif not (hasattr(source, "matmat") or self._device):
            self.matrix = source = np.asarray(source)
        shape = tuple(getattr(source, "shape", ()))
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
            raise InputError(f"{name} has shape {shape}, expected a square matrix (n, n), n >= 1")
        self.n = int(shape[0])
        self.dtype = _working_dtype(name, getattr(source, "dtype", None))
        if self.matrix is not None:
            self.matrix = self.matrix.astype(self.dtype, copy=False)
            if scipy.sparse.issparse(self.matrix) and self.matrix.format not in {"csr", "csc"}:
                self.matrix = self.matrix.tocsr()
        self._source = source
        self._continue = getattr(source, "matmat_from_image", None)

    @property
    def stored(self) -> bool:
        """Whether products read a dense matrix from memory, so that wide blocks cost little."""
        return isinstance(self.matrix, np.ndarray) or bool(getattr(self._source, "stored", False))

    def matmat(self, block: Floats, image: Floats | None = None) -> Floats:
        """The (n, m) product with a block.

        Args:
            block: (n, m) array of ``self.dtype``.
            image: the metric's product with the block, if it is known: an operator that begins with
                that product (:func:`top_eigenpairs`) need not repeat it. Default: ``None``.
        """
        self.n_products += block.shape[1]
        if image is not None and self._continue is not None:
            product = self._continue(image)
        elif self.matrix is not None:
            product = self.matrix @ block
        elif self._device is not None:
            there = as_tensor(np.ascontiguousarray(block)).to(self._device)
            product = (self._source @ there.to(self._source.dtype)).cpu().numpy()
        else:
            product = self._source.matmat(block)
        if product.shape != block.shape:
            raise InputError(
                f"{self.name}.matmat returned shape {product.shape} for a block of {block.shape}"
            )
        # One NaN or infinity makes the sum one; a sum reads the block once and allocates nothing.
        if not np.isfinite(product.sum()):
            raise InputError(
                f"{self.name} times finite vectors gave NaN or infinity (after "
                f"{self.n_products} products); look for NaN entries or a division by zero"
            )
        return product.astype(block.dtype, copy=False)

    def asymmetry(self) -> str:
        """A description of where the matrix differs most from its transpose."""
        if self.matrix is None:
            return "x^T (A y) and (A x)^T y differ for vectors of the Krylov space"
        difference = abs(self.matrix - self.matrix.T)
        place = np.unravel_index(int(difference.argmax()), self.matrix.shape)
        row, column = int(place[0]), int(place[1])
        return f"max |A - A.T| = {difference.max():.3g} at ({row}, {column})"


def _working_dtype(name: str, dtype: Any) -> np.dtype:
    if isinstance(dtype, torch.dtype):
        kind = np.float32 if dtype in {torch.float32, torch.float16, torch.bfloat16} else np.float64
        if dtype.is_complex:
            raise InputError(f"{name} is complex ({dtype}); expected a real symmetric operator")
        return np.dtype(kind)
    known = np.dtype(np.float64 if dtype is None else dtype)
    if known.kind not in "biuf":
        raise InputError(f"{name} has dtype {known}, expected real numbers (float32 or float64)")
    return np.dtype(np.float32 if known in {np.dtype("f4"), np.dtype("f2")} else np.float64)
