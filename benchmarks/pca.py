"""Principal components of MNIST: eigenlab's linear autoencoder beside scikit-learn's PCA solvers.

The first 50,000 training images, 784 pixels in [0, 1], float32 in memory; k = 64. Inside the clock:
``fit``, from the array (or from an iterator over chunks of it) to components and variances, with
each library's own input checks. In memory: the Gram solver, which ``"auto"`` takes, and
``"randomized"``, against PCA's covariance_eigh, randomized and full. As a stream: chunks of 5,000
rows, against IncrementalPCA with the same chunks. Stored beside the times: the largest relative
error of the 64 variances, and the largest principal angle to the exact subspace; the truth is the
float64 SVD of the centred data.

FLOP limit: n d (d + 1) floating-point operations, one triangle of the Gram matrix, over the rate of
one large float32 matrix product measured in the same process.

Run with EIGENLAB_DATA set to a folder with MNIST: ``python benchmarks/pca.py``.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.decomposition import PCA, IncrementalPCA

from _side_by_side import alternate, peak_gflops, show, store, summarise
from eigenlab.data import load_mnist
from eigenlab.linear import LinearAutoencoder
from eigenlab.spectrum import principal_angles

K, ROWS, CHUNK, ROUNDS = 64, 50_000, 5_000, 7


def chunks(X):
    return (X[start : start + CHUNK] for start in range(0, len(X), CHUNK))


def incremental(X):
    model = IncrementalPCA(K)
    for chunk in chunks(X):
        model.partial_fit(chunk)
    return model


def in_memory(X):
    return {
        "eigenlab": lambda: LinearAutoencoder(K).fit(X),
        "eigenlab, randomized": lambda: LinearAutoencoder(
            K, solver="randomized", random_state=0
        ).fit(X),
        "sklearn covariance_eigh": lambda: PCA(K, svd_solver="covariance_eigh").fit(X),
        "sklearn randomized": lambda: PCA(K, svd_solver="randomized", random_state=0).fit(X),
        "sklearn full": lambda: PCA(K, svd_solver="full").fit(X),
    }


def streamed(X):
    return {
        "eigenlab, chunks": lambda: LinearAutoencoder(K).fit_chunks(chunks(X)),
        "eigenlab, chunks, one-pass sketch": lambda: LinearAutoencoder(
            K, solver="randomized", random_state=0
        ).fit_chunks(chunks(X)),
        "sklearn IncrementalPCA": lambda: incremental(X),
    }


def errors(model, truth):
    """Against float64: variances relative, subspace in radians."""
    variances = truth.explained_variance_
    angles = principal_angles(model.components_.T.astype(float), truth.components_.T)
    return {
        "variance_error": float(np.abs(model.explained_variance_ / variances - 1).max()),
        "largest_angle": float(angles.max()),
    }


def measure(title, ways, reference, truth, limit_ms, rounds=ROUNDS):
    accuracy = {name: errors(way(), truth) for name, way in ways.items()}
    rows = summarise(alternate(ways, rounds=rounds), reference)
    show(title, rows, reference, limit_ms)
    for name, found in accuracy.items():
        print(
            f"  {name:34s} variances off by {found['variance_error']:.1e}, "
            f"subspace by {found['largest_angle']:.1e} rad"
        )
    return {name: row | accuracy[name] for name, row in rows.items()}


def main():
    X = load_mnist("train")[0][:ROWS].reshape(ROWS, -1).astype(np.float32) / 255
    n, d = X.shape
    rate = peak_gflops()
    limit_ms = n * d * (d + 1) / (rate * 1e6)
    truth = PCA(K, svd_solver="full").fit(X.astype(float))
    store(
        "pca",
        {
            "n": n,
            "d": d,
            "k": K,
            "chunk_rows": CHUNK,
            "sklearn": sklearn.__version__,
            "peak_gflops": rate,
            "limit_ms": limit_ms,
            "in_memory": measure(
                "in memory", in_memory(X), "sklearn covariance_eigh", truth, limit_ms
            ),
            "streamed": measure(
                "chunks of 5,000 rows", streamed(X), "sklearn IncrementalPCA", truth, limit_ms
            ),
        },
    )


if __name__ == "__main__":
    main()
