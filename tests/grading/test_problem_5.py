"""Right solutions of problem 5 pass however they are written; wrong ones get the hint that fits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
import scipy.special
import torch
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel

from eigenlab.grading import check
from eigenlab.graphs import stretched_blobs


def adjacency_in_loops(gamma, X):
    A = np.zeros((len(X), len(X)))
    for i in range(len(X)):
        for j in range(len(X)):
            A[i, j] = np.exp(-gamma * np.sum((X[i] - X[j]) ** 2))
    return A


def root_in_place(A):
    A[A < 0] = 0
    D = np.zeros_like(A)
    np.fill_diagonal(D, 1 / np.sqrt(A.sum(axis=0)))
    return D


def normalized_in_place(A):
    d = A.sum(axis=1)
    A /= np.sqrt(d)
    A /= np.sqrt(d)[:, None]
    return A


def kmeans(rows):
    return KMeans(3, n_init=10, random_state=0).fit_predict(rows)


RIGHT = {
    "5b": {
        "loops": adjacency_in_loops,
        "broadcasting": lambda g, X: np.exp(-g * ((X[:, None] - X[None]) ** 2).sum(-1)),
        "norm": lambda g, X: np.exp(-g * np.linalg.norm(X[:, None] - X, axis=-1) ** 2),
        "scipy": lambda g, X: np.exp(-g * cdist(X, X) ** 2),
        "scikit-learn": lambda g, X: rbf_kernel(X, gamma=g),
        "torch": lambda g, X: torch.exp(-g * torch.cdist(X, X) ** 2),
        "torch, float32": lambda g, X: torch.exp(
            -g * torch.cdist(X, X, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        ).float(),
        "lists": lambda g, X: adjacency_in_loops(g, X).tolist(),
    },
    "5c": {
        "D": lambda A: np.diag(A.sum(axis=1)),
        "D^-1/2": lambda A: np.diag(1 / np.sqrt(A.sum(axis=1))),
        "in place": root_in_place,
        "inverse of a root": lambda A: np.linalg.inv(scipy.linalg.sqrtm(np.diag(A.sum(axis=0)))),
        "fractional power": lambda A: scipy.linalg.fractional_matrix_power(
            np.diag(A.sum(axis=0)), -0.5
        ),
        "torch": lambda A: torch.diag(A.sum(dim=1).rsqrt()),
        "torch with an identity in float32": lambda A: torch.eye(len(A)) @ torch.diag(A.sum(1)),
        "sparse": lambda A: scipy.sparse.diags(A.sum(axis=1)),
    },
    "5d": {
        "products": lambda A: np.diag(A.sum(1) ** -0.5) @ A @ np.diag(A.sum(1) ** -0.5),
        "outer": lambda A: A / np.sqrt(np.outer(A.sum(0), A.sum(1))),
        "in place": normalized_in_place,
        "torch": lambda A: A / torch.sqrt(A.sum(1)[:, None] * A.sum(1)),
        "one side after the other": lambda A: A / np.sqrt(A.sum(0)) / np.sqrt(A.sum(0))[:, None],
    },
    "5f": {
        "svd": lambda M: kmeans(np.linalg.svd(M)[0][:, :3]),
        "eigh of M M^T": lambda M: kmeans(np.linalg.eigh(M @ M.T)[1][:, -3:]),
        "scipy": lambda M: kmeans(scipy.sparse.linalg.svds(M, 3, rng=0)[0]),
        "torch": lambda M: torch.tensor(kmeans(torch.linalg.svd(M)[0][:, :3].numpy())),
        "other names": lambda M: 10 - kmeans(np.linalg.svd(M)[0][:, :3]),
        "a list": lambda M: kmeans(np.linalg.svd(M)[0][:, :3]).tolist(),
        "texts": lambda M: ["abc"[n] for n in kmeans(np.linalg.svd(M)[0][:, :3])],
        "one start, float32": lambda M: KMeans(3, n_init=1).fit_predict(
            torch.svd(torch.as_tensor(M, dtype=torch.float32))[0][:, :3].numpy()
        ),
        "another sign and order": lambda M: kmeans(-np.linalg.svd(M)[0][:, [2, 0, 1]]),
    },
    "5g": {
        "division": lambda M: M / M.sum(axis=0),
        "keepdims": lambda M: M / M.sum(axis=0, keepdims=True),
        "product": lambda M: M @ np.diag(1 / M.sum(axis=0)),
        "loop": lambda M: np.stack([column / column.sum() for column in M.T], axis=1),
        "torch": lambda M: torch.nn.functional.normalize(M, p=1, dim=0),
    },
}
WRONG = {
    "5b": [
        (lambda g, X: np.exp(g * cdist(X, X) ** 2), "sign of the exponent"),
        (lambda g, X: np.exp(-g * cdist(X, X)), "not squared"),
        (lambda g, X: np.exp(-g / 2 * cdist(X, X) ** 2), "half of gamma"),
        (lambda g, X: np.exp(-(cdist(X, X) ** 2) / g), "gamma divides"),
        (lambda g, X: np.exp(-(cdist(X, X) ** 2) / (2 * g**2)), "standard deviation"),
        (lambda g, X: np.exp(-(cdist(X, X) ** 2)), "gamma has no effect"),
        (lambda g, X: np.exp(-g * (X[:, None, 0] - X[None, :, 0]) ** 2), "first coordinate"),
        (lambda g, X: np.exp(-g * cdist(X, X, "cityblock")), "(L1) stands for"),
        (lambda g, X: np.exp(-g * cdist(X, X, "cityblock") ** 2), "L1 distance is squared"),
        (lambda g, X: cdist(X, X) ** 2, "is missing"),
        (lambda g, X: -g * cdist(X, X) ** 2, "exp is missing"),
        (lambda g, X: np.exp(-g * cdist(X, X) ** 2) - np.eye(len(X)), "diagonal is zero"),
        (lambda g, X: np.exp(-g * (X[:, None] - X) ** 2), "not summed over the coordinates"),
        (lambda g, X: torch.exp(g * torch.cdist(X, X) ** 2), "sign of the exponent"),
        (lambda g, X: None, "the code is still missing"),
        (lambda g, X: ..., "the code is still missing"),
    ],
    "5c": [
        (lambda A: A.sum(axis=1), "come as a vector"),
        (lambda A: A.sum(axis=1) ** -0.5, "power -1/2 come as a vector"),
        (lambda A: np.linalg.inv(np.diag(A.sum(axis=1))), "this is D^-1;"),
        (lambda A: np.diag(A.sum(axis=1) ** 0.5), "this is D^1/2"),
        (lambda A: np.diag(A.sum(axis=1)) ** -0.5, "of every entry"),
        (lambda A: torch.diag(A.sum(dim=1)) ** -0.5, "of every entry"),
        (lambda A: np.diag((A > 0).sum(axis=1)), "edges are counted"),
        (lambda A: np.diag(np.diag(A)), "diagonal of A"),
        (lambda A: np.diag(A.sum(axis=1) - np.diag(A)), "loops"),
        (lambda A: np.diag(A.sum(axis=1)) - A, "Laplacian"),
        (lambda A: A.sum() * np.eye(len(A)), "all weights are summed"),
    ],
    "5d": [
        (lambda A: A @ np.diag(1 / A.sum(axis=0)), "this is A D^-1"),
        (lambda A: np.diag(1 / A.sum(axis=0)) @ A, "this is D^-1 A"),
        (lambda A: np.diag(A.sum(0)) @ A @ np.diag(A.sum(0)), "D stands in the place"),
        (lambda A: np.diag(A.sum(0) ** 0.5) @ A @ np.diag(A.sum(0) ** 0.5), "D^1/2 stands"),
        (lambda A: A / np.outer(A.sum(0), A.sum(0)), "D^-1 stands"),
        (lambda A: np.diag(A.sum(0) ** -0.5) @ A, "missing on the right"),
        (lambda A: A @ np.diag(A.sum(0) ** -0.5), "missing on the left"),
        (lambda A: np.diag(A.sum(0) ** -0.5) * A * np.diag(A.sum(0) ** -0.5), "entry by entry"),
        (lambda A: np.diag(A.sum(0)) * A * np.diag(A.sum(0)), "with D in the place"),
        (lambda A: np.eye(4) - A / np.sqrt(np.outer(A.sum(0), A.sum(0))), "Laplacian"),
        (lambda A: A, "A itself"),
    ],
    "5f": [
        (lambda M: kmeans(np.linalg.svd(M)[0][:3].T), "a singular vector is a column"),
        (lambda M: kmeans(np.linalg.svd(M)[0][:, -3:]), "smallest singular values"),
        (lambda M: kmeans(np.linalg.eigh(M @ M.T)[1][:, :3]), "smallest singular values"),
        (lambda M: kmeans(np.linalg.svd(M)[0][:, :3].T), "one label for each vector"),
        (lambda M: np.zeros(len(M)), "all points are in one cluster"),
        (lambda M: np.linalg.svd(M)[0][:, :3], "shape (18, 3), expected (18,)"),
        (lambda M: np.arange(len(M)), "Cluster the rows"),
        (kmeans, "of the rows of the matrix"),
        (lambda M: kmeans(PCA(3).fit_transform(M)), "of the rows of the matrix"),
        (lambda M: kmeans(np.linalg.svd(M)[0][:, :3] * np.linalg.svd(M)[1][:3]), "U times"),
        (lambda M: kmeans(np.linalg.svd(M)[0][:, :2]), "two vectors are clustered"),
        (lambda M: kmeans(np.linalg.svd(M)[2].T[:, :3]), "right singular vectors"),
        (lambda M: kmeans(np.linalg.eigh(M.T @ M)[1][:, -3:]), "right singular vectors"),
        (lambda M: kmeans(np.linalg.svd(M)[2][:, :3]), "rows of V"),
        (lambda M: kmeans(np.linalg.eig(M)[1][:, :3].real), "clusters of eigenvectors"),
        (lambda M: kmeans(np.linalg.eigh(M)[1][:, -3:]), "clusters of eigenvectors"),
        (lambda M: ["a"] * len(M), "all points are in one cluster"),
        (lambda M: ["a", "b", "c"], "one label for each vector"),
        (lambda M: ["a", 1, None], "a list, not numbers"),
    ],
    "5g": [
        (lambda M: M / M.sum(axis=1, keepdims=True), "the rows sum to one"),
        (lambda M: M / M.sum(axis=1), "the sum of the row with its number"),
        (lambda M: M / M.sum(), "all entries sum to one"),
        (lambda M: M / np.linalg.norm(M, axis=0), "length one"),
        (lambda M: scipy.special.softmax(M, axis=0), "softmax"),
        (lambda M: torch.softmax(M, dim=0), "softmax"),
        (lambda M: M / M.max(axis=0), "largest entry"),
        (lambda M: M, "this is M itself"),
    ],
}


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, named in RIGHT.items() for name in named]
)
def test_a_right_solution_passes(part, name):
    result = check(part, RIGHT[part][name])
    assert result, result
    assert result.hint == ""


@pytest.mark.parametrize(
    ("part", "number"), [(part, n) for part, cases in WRONG.items() for n in range(len(cases))]
)
def test_a_wrong_solution_gets_the_hint_that_fits(part, number):
    solution, words = WRONG[part][number]
    result = check(part, solution)
    assert not result
    assert words in result.hint


def test_the_degree_matrix_says_which_of_both_it_is():
    assert check("5c", RIGHT["5c"]["D"]).note == "It returns D; 5d needs D^-1/2."
    assert check("5c", RIGHT["5c"]["D^-1/2"]).note == "It returns D^-1/2."
    assert check("5c", lambda A: A).note == ""


@pytest.mark.parametrize("part", RIGHT)
def test_what_is_not_written_is_named(part):
    def absent(*_):
        raise NotImplementedError

    (name,) = [check(part, absent).title]
    assert check(part, absent).hint == f"{name} still has to be written."


def test_an_error_in_torch_code_is_reported_from_torch():
    def get_adjacency_matrix(gamma, X):
        return torch.exp(-gamma * torch.cdist(X, X[0]))

    assert "cdist only supports at least 2D tensors" in check("5b", get_adjacency_matrix).hint

    def with_numpy(gamma, X):
        return np.linalg.norm(X, axis=7)

    assert "axis 7" in check("5b", with_numpy).hint


def few_are_wrong(truth):
    labels = truth.copy()
    labels[:10] = (labels[:10] + 1) % 3  # half a percent
    return labels


def clusters_of_the_points(X, _):
    return KMeans(3, n_init=10, random_state=1).fit_predict(X)


def matrix(X):
    A = rbf_kernel(X, gamma=7.5)
    return A / np.sqrt(np.outer(A.sum(0), A.sum(0)))


def clusters_of_M(X, _):
    vectors = np.linalg.svd(matrix(X))[0][:, :3]
    return KMeans(3, n_init=10, random_state=1).fit_predict(vectors)


def clusters_of_eigenvectors(X, _):
    M = matrix(X)
    leading = scipy.sparse.linalg.eigs(M / M.sum(axis=0), 3, v0=np.ones(len(M)))[1].real
    return KMeans(3, n_init=10, random_state=1).fit_predict(leading)


#: Labels of the course's points, made of the points and their true clusters.
RIGHT_LABELS = {
    "the truth": lambda X, truth: truth,
    "other names": lambda X, truth: torch.tensor([7, -1, 3])[torch.tensor(truth)],
    "few are wrong": lambda X, truth: few_are_wrong(truth),
    "a list": lambda X, truth: truth.tolist(),
    "texts": lambda X, truth: ["abc"[n] for n in truth],
}
WRONG_LABELS = [
    (clusters_of_the_points, "clusters of the points themselves"),
    (clusters_of_M, "vectors of M (5f)"),
    (clusters_of_eigenvectors, "eigenvectors of S"),
    (lambda X, truth: truth * 2 + (X[:, 0] > 0), "not three clusters"),
    (lambda X, truth: np.arange(2000), "not three clusters"),
    (lambda X, truth: [0, 1, 2], "shape (3,)"),
    (lambda X, truth: None, "still has to be written"),
]


@pytest.mark.parametrize("name", RIGHT_LABELS)
def test_right_labels_pass(name):
    result = check("5g-labels", RIGHT_LABELS[name](*stretched_blobs()))
    assert result, result


@pytest.mark.parametrize("number", range(len(WRONG_LABELS)))
def test_wrong_labels_get_the_hint_that_fits(number):
    make, words = WRONG_LABELS[number]
    result = check("5g-labels", make(*stretched_blobs()))
    assert not result
    assert words in result.hint


def test_the_error_of_labels_is_the_share_of_wrong_ones():
    raw = check("5g-labels", clusters_of_the_points(*stretched_blobs()))
    assert raw.max_error == pytest.approx(1 - 0.8265)  # 5a's accuracy
