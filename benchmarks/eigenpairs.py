"""The top eigenpairs by eigenlab, ARPACK (also through its SVD), LOBPCG and a randomised SVD.

Timed: from a matrix in memory to k vectors; no solver is given a start. (a) dense, the
course's M = D^-1/2 A D^-1/2 of 2,000 points; (b) a sparse symmetric 10-nearest-neighbour graph of
50,000 points; (c) a diagonal matrix whose largest eigenvalues are a tight cluster. Each is asked
for residuals of 1e-8. Stored beside the times: columns the operator was applied to, the largest
residual norm, and how many of the true top k are missing (the truth: LAPACK for (a), the
construction for (c), for (b) the highest values that any solver found). SVDs rank by modulus, which
is the same order only where the spectrum is not negative at that size.

Limit: the time of one product of the same width times the products that eigenlab makes.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh, lobpcg, svds
from sklearn.datasets import make_blobs
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import kneighbors_graph
from sklearn.utils.extmath import randomized_svd

from _side_by_side import alternate, show, store, summarise
from eigenlab.spectrum import top_eigenpairs

STRETCH = np.array([[-0.60834549, -0.63667341], [0.40887718, 0.85253229]])
CLUSTER = np.array([1, 0.999835, 0.99935, 0.998826, 0.997352, 0.9627])
TOLERANCE = 1e-8


def normalise(A):
    scale = 1 / np.sqrt(np.asarray(A.sum(axis=0)).ravel())
    if sp.issparse(A):
        return (sp.diags_array(scale) @ A @ sp.diags_array(scale)).tocsr()
    return scale[:, None] * A * scale


def blobs(n):
    return make_blobs(n, random_state=170)[0] @ STRETCH


def neighbours(n):
    A = kneighbors_graph(blobs(n), 10, include_self=True)
    return normalise(sp.csr_array((A + A.T) / 2))


def problems():
    dense = normalise(rbf_kernel(blobs(2000), gamma=7.5))
    tight = np.r_[CLUSTER, np.linspace(0.95, 0, 19_994)]
    return {
        "dense, 2000 points": (dense, 3, np.linalg.eigvalsh(dense)[::-1]),
        "10-NN graph, 50000 points": (neighbours(50_000), 3, None),
        "tight cluster, 20000": (sp.diags_array(tight).tocsr(), 5, tight),
    }


def solvers(k, n):
    start = np.random.default_rng(0).standard_normal((n, k))

    def ours(A):
        pairs = top_eigenpairs(A, k, tol=TOLERANCE)
        return pairs.eigenvalues, pairs.vectors

    def arpack(A):
        values, V = eigsh(A, k, which="LA", tol=TOLERANCE, v0=start[:, 0])
        return values[::-1], V[:, ::-1]

    def svd(A):
        U, s, _ = svds(A, k, tol=TOLERANCE, v0=start[:, 0])
        return s[::-1], U[:, ::-1]

    def randomised(A):
        U, s, _ = randomized_svd(A, k, n_iter=7, random_state=0)
        return s, U

    def quiet(solve):
        def call(A):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return solve(A)

        return call

    return {
        "eigenlab": quiet(ours),
        "scipy eigsh": arpack,
        "scipy lobpcg": quiet(lambda A: lobpcg(A, start.copy(), tol=TOLERANCE, maxiter=500)),
        "scipy svds": svd,
        "sklearn randomized_svd": randomised,
    }


def counted(A):
    """A as an operator, and the columns it was applied to."""
    columns = [0]

    def product(V):
        columns[0] += 1 if V.ndim == 1 else V.shape[1]
        return A @ V

    options = {"matvec": product, "matmat": product, "rmatvec": product, "rmatmat": product}
    return LinearOperator(A.shape, dtype=A.dtype, **options), columns


def accuracy(A, values, V):
    V = V / np.linalg.norm(V, axis=0)
    rayleigh = np.sum(V * (A @ V), axis=0)
    return float(np.linalg.norm(A @ V - V * rayleigh, axis=0).max())


def missed(values, truth):
    """Members of the true top k without a computed value within a tenth of the smallest gap."""
    k = len(values)
    near = 0.1 * min(float(-np.diff(truth[: k + 1]).max()), 1e-3)
    return int(sum(np.abs(values - value).min() > near for value in truth[:k]))


def main() -> None:
    results = {}
    for name, (A, k, known) in problems().items():
        ways = solvers(k, A.shape[0])
        found = {way: solve(A) for way, solve in ways.items()}
        truth = known
        if truth is None:  # the union of what anyone found, and a floor below it
            best = np.max([np.sort(values)[::-1] for values, _ in found.values()], axis=0)
            truth = np.r_[best, best[-1] - 1e-3]
        details = {}
        for way, solve in ways.items():
            operator, columns = counted(A)
            if way != "sklearn randomized_svd":
                solve(operator)
            values, V = found[way]
            details[way] = {
                "columns": columns[0],
                "residual": accuracy(A, values, V),
                "missed": missed(values, truth),
            }
        rows = summarise(
            alternate({way: partial(solve, A) for way, solve in ways.items()}, rounds=5),
            "eigenlab",
        )
        products = top_eigenpairs(A, k, tol=TOLERANCE).n_products
        width = 8 if isinstance(A, np.ndarray) else 2
        block = np.ones((A.shape[0], width))
        once = min(alternate({"product": lambda A=A, b=block: A @ b}, rounds=5)["product"])
        limit = once * products / width
        show(name, rows, "eigenlab", limit)
        for way, detail in details.items():
            print(
                f"  {way:34s} {detail['columns'] or '':>6} columns"
                f"  residual {detail['residual']:.1e}  missed {detail['missed']}"
            )
            rows[way].update(detail)
        results[name] = {"k": k, "limit_ms": limit, "rows": rows}
    store("eigenpairs", {"tolerance": TOLERANCE, "problems": results})


if __name__ == "__main__":
    main()
