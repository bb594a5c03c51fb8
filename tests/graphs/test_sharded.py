"""Three processes, which have parts of different sizes, give what one process gives."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eigenlab.graphs.sharded import Shards

pytestmark = pytest.mark.slow

pytest.importorskip("finufft", reason="finufft is not installed: pip install finufft")

SCRIPT = Path(__file__).with_name("sharded_processes.py")


def run(folder: Path, size: int) -> list[dict]:
    """The result of each rank; processes are started as by torchrun."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    variables = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    variables["OMP_NUM_THREADS"] = variables["OPENBLAS_NUM_THREADS"] = "1"
    started = []
    for rank in range(size):
        environment = os.environ | variables | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        command = [sys.executable, str(SCRIPT), str(folder)]
        with (folder / f"errors-{rank}.txt").open("w") as errors:
            started.append(subprocess.Popen(command, env=environment, stderr=errors))
    try:
        codes = [process.wait(timeout=180) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    errors = "\n".join(path.read_text() for path in sorted(folder.glob("errors-*.txt")))
    assert codes == [0] * size, errors
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(size)]


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return run(tmp_path_factory.mktemp("single"), 1)[0]


def test_labels_do_not_depend_on_the_number_of_processes(single, tmp_path):
    ranks = run(tmp_path, 3)
    for kind, expected in single.items():
        assert expected["residual"] < 1e-9
        assert len(set(expected["labels"])) == 3
        for found in ranks:
            assert found[kind]["labels"] == expected["labels"]
            np.testing.assert_allclose(found[kind]["vectors"], expected["vectors"], atol=1e-7)
        # The processes agree bitwise.
        assert all(found[kind] == ranks[0][kind] for found in ranks)


def test_one_process_has_all_rows():
    shards = Shards(7)
    values = np.arange(7) + 1j
    np.testing.assert_array_equal(shards.gather(values), values)
    np.testing.assert_array_equal(shards.sum(values), values)
    assert shards.rows == slice(0, 7)
