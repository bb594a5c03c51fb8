"""Script of test_sharded.py, run in one and in three processes; every rank writes its result."""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

from eigenlab.graphs import stretched_blobs
from eigenlab.graphs.embedding import leading_vectors
from eigenlab.graphs.sharded import ShardedFourierGraph, ShardedGraph
from eigenlab.training import distributed


def main(folder: Path) -> None:
    X, _ = stretched_blobs(601)  # a prime: no number of processes divides it
    found = {}
    for name, kind in (("tiled", ShardedGraph), ("fourier", ShardedFourierGraph)):
        embedding = leading_vectors(kind(X, 7.5), 3, tol=1e-9)
        scaled = embedding.vectors * np.sqrt(len(X))
        labels = KMeans(3, n_init=4, random_state=0).fit_predict(scaled)
        found[name] = {
            "labels": labels.tolist(),
            "vectors": embedding.vectors.tolist(),
            "residual": float(embedding.residual_norms.max()),
            "n_products": embedding.n_products,
        }
    rank = distributed.current().rank
    (folder / f"rank-{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    with distributed.start():
        main(Path(sys.argv[1]))
