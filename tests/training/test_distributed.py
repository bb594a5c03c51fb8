"""Two processes under gloo do what one process does with the same global batches.

Tolerance: float64 sums of at most 23 terms in another order differ by about 1e-15; twelve AdamW
updates amplify that, and 1e-10 still detects a wrong weight of an uneven part (of order 0.1).
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.training import distributed

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_processes.py")
TOLERANCE = 1e-10


def launch(folder, processes):
    """Start the script as torchrun would: one process per rank, set by the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []
    for rank in range(processes):
        environment = os.environ | {
            "WORLD_SIZE": str(processes),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
        }
        with (folder / f"errors-{rank}.txt").open("w") as errors:
            started.append(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(folder)], env=environment, stderr=errors
                )
            )
    return started


def collect(folder, started):
    try:
        codes = [process.wait(timeout=120) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    errors = "\n".join(path.read_text() for path in sorted(folder.glob("errors-*.txt")))
    assert codes == [0] * len(started), errors
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folders = {size: tmp_path_factory.mktemp(f"processes-{size}") for size in (1, 2)}
    started = {size: launch(folder, size) for size, folder in folders.items()}
    return {size: collect(folder, started[size]) for size, folder in folders.items()}


def assert_close(one, two):
    assert [step for step, _ in one["losses"]] == [step for step, _ in two["losses"]]
    assert [v for _, v in one["losses"]] == pytest.approx(
        [v for _, v in two["losses"]], rel=TOLERANCE
    )
    for (step, values), (again, others) in zip(one["evaluations"], two["evaluations"], strict=True):
        assert step == again
        assert values == pytest.approx(others, rel=TOLERANCE)
    for name, weights in one["weights"].items():
        torch.testing.assert_close(
            torch.tensor(weights, dtype=torch.float64),
            torch.tensor(two["weights"][name], dtype=torch.float64),
            rtol=TOLERANCE,
            atol=TOLERANCE,
        )


@pytest.mark.parametrize("batches", ["uneven", "generated", "one-sample", "translation"])
def test_two_processes_train_like_one(results, batches):
    assert (results[1]["size"], results[2]["size"]) == (1, 2)
    assert_close(results[1][batches], results[2][batches])


def test_processes_start_from_the_weights_of_rank_0(results):
    assert_close(results[1]["own start"], results[2]["own start"])


def test_the_memory_layout_of_weights_does_not_matter(results):
    one, two = (results[size]["channels last"] for size in (1, 2))
    assert one == pytest.approx(two, rel=TOLERANCE)


def test_two_processes_train_an_image_network_like_one_with_micro_batches(results):
    one, two = results[1]["images"], results[2]["images"]
    assert one["seen"] == two["seen"] == 120
    # Float32, and three updates along polar factors, which magnify rounding.
    assert one["weights"] == pytest.approx(two["weights"], abs=2e-4)
    assert torch.tensor(one["weights"]).std() > 0.05


def test_processes_end_with_the_same_image_network(results):
    """Running statistics included, although each process saw other images."""
    assert results[2]["images"]["alike"]
    assert results[2]["images"]["judged alike"]


def test_precision_and_seed_are_those_of_the_first_process(results):
    assert results[2]["choices"] == {
        "precision": "bfloat16",
        "same precision": True,
        "same seed": True,
    }


def test_early_stopping_is_agreed(results):
    one, two = results[1]["early stop"], results[2]["early stop"]
    assert one["stopped"] == two["stopped"] == "target"
    assert_close(one, two)


def test_both_processes_stop_on_the_request_of_one_and_resume_exactly(results):
    """Dropout included: the generator of each process is part of the checkpoint."""
    stopped = results[2]["interrupted"]
    assert "after step" in stopped["message"]
    assert stopped["resumed"]["losses"] == stopped["whole"]["losses"]
    assert stopped["resumed"]["weights"] == stopped["whole"]["weights"]
    alone = [value for _, value in results[1]["interrupted"]["whole"]["losses"]]
    assert [value for _, value in stopped["whole"]["losses"]] != pytest.approx(alone), (
        "with dropout, two processes draw their own masks"
    )


def test_processes_end_with_the_same_weights_and_random_state(results):
    assert results[2]["same weights"]
    assert results[2]["same generator"]


def test_start_does_nothing_for_a_single_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with distributed.start():
        assert distributed.current() == distributed.Group(0, 1)


def test_an_incomplete_environment_is_refused(monkeypatch):
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="RANK, MASTER_ADDR, MASTER_PORT is not set"):
        distributed.start().__enter__()
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(InputError, match="WORLD_SIZE='two'"):
        distributed.start().__enter__()
