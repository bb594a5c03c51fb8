"""Code that is endless, large or ends its process costs its own part only, and is told."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from confined import attacked, attacked_alone, linux, run
from eigenlab.errors import InputError
from eigenlab.grading.isolation import Limits


def test_a_million_lines_do_not_fill_memory_and_the_last_are_shown(template):
    outcome = attacked(
        template,
        """
        for i in range(1000 if not last_timestep_only else 0):
            print(*range(1000 * i, 1000 * i + 1000), sep=chr(10))
        raise ValueError
        """,
    )
    assert outcome.status == "failed"
    assert outcome.output.rstrip().endswith("999999")
    assert len(outcome.output) < 20_000
    assert "bytes were printed" in outcome.output


def test_a_loop_without_end_costs_its_part_only(template):
    outcome = attacked(template, "while True: pass", limits=Limits(cpu=0.3))
    assert outcome.status == "hung"
    assert "hung: it took more than 0.3 s of processor time." in outcome.result.hint


def test_sleeping_costs_its_part_only(template):
    outcome = attacked(template, "import time; time.sleep(1e6)", limits=Limits(wall=1.0))
    assert outcome.status == "hung"
    assert "longer than 1 s by the clock, of which 0.0" in outcome.result.hint


@linux
def test_a_right_part_that_has_to_wait_for_the_processor_has_not_hung(template):
    """It takes longer than its processor time by the clock, as on a machine that is busy."""
    body = "import time; time.sleep(0.4); return ((pred - y)[:, -last_timestep_only:] ** 2).mean()"
    assert attacked_alone(template, body, limits=Limits(cpu=0.3)).status == "passed"


@linux
def test_processor_time_of_all_threads_counts(template):
    body = """
    import threading, time
    def spin():
        while True: pass
    threading.Thread(target=spin).start()
    time.sleep(1e6)
    """
    outcome = attacked_alone(template, body, limits=Limits(cpu=0.3))
    assert "more than 0.3 s of processor time" in outcome.result.hint


def test_the_file_and_a_part_have_processor_time_of_their_own(template):
    source = """
    import time
    def work():
        end = time.process_time() + 0.35
        while time.process_time() < end: pass
    work()
    def get_normalized_matrix(A):
        work()
        return A / (A.sum(axis=1)[:, None] * A.sum(axis=1)) ** 0.5
    """
    limits = Limits(cpu=2.0, execution_cpu=0.7)
    assert run(template, source, ["5d"], limits).outcomes[0].status == "passed"
    hung = run(template, source, ["5d"], Limits(cpu=2.0, execution_cpu=0.1)).outcomes[0]
    assert "while the file was executed, it took more than 0.1 s" in hung.result.hint


def test_the_limits_by_the_clock_are_wider_than_those_of_processor_time():
    for seconds in (1.0, 30.0):
        for execute in (False, True):
            limits = Limits.of_parts(seconds, execute=execute)
            assert limits.cpu == seconds
            assert limits.wall >= 4 * limits.cpu
            assert (limits.execution or limits.wall) >= 2 * (limits.execution_cpu or limits.cpu)
            assert limits.total > (limits.execution or 0) + limits.wall


def test_a_file_that_hangs_is_executed_once(template):
    start = time.monotonic()
    report = run(template, "while True: pass", limits=Limits(cpu=0.5))
    assert [outcome.status for outcome in report.outcomes] == ["hung", "hung"]
    assert "while the file was executed" in report.results[1].hint
    assert time.monotonic() - start < 6


def test_the_time_for_all_parts_is_limited(template):
    report = run(template, "import time; time.sleep(0.6)", limits=Limits(total=0.9))
    assert report.outcomes[1].status == "hung"


def test_a_file_may_take_longer_than_a_part(template):
    source = "import time; time.sleep(1.1)"
    assert run(template, source, ["5d"], Limits(wall=1.0, execution=20)).results[0]
    assert not run(template, source, ["5d"], Limits(wall=20, execution=0.3)).results[0]


def test_a_recursion_without_end_is_an_error(template):
    outcome = attacked(template, "return loss_fn(pred, y)")
    assert "RecursionError" in outcome.result.hint


def test_a_recursion_in_c_ends_the_process_only(template):
    body = "import sys; sys.setrecursionlimit(10**9)\nf = lambda *_: sorted([0], key=f)\nreturn f()"
    outcome = attacked(template, body, limits=Limits(cpu=2, memory=256 << 20))
    assert outcome.status in ("died", "failed", "hung")


@pytest.mark.parametrize("size", ["torch.zeros(10_000_000_000)", "bytearray(40 << 30)"])
def test_forty_gigabytes_are_not_given(template, size):
    outcome = attacked(template, f"import torch\nreturn {size}")
    assert outcome.status == "failed" if sys.platform == "linux" else not outcome.result
    assert "memory" in outcome.result.hint.lower()


@linux
def test_memory_that_is_shared_is_counted_too(template):
    body = """
    import mmap
    kept = [mmap.mmap(-1, 1 << 30) for _ in range(40)]
    for part in kept:
        part.write(b"1" * (1 << 30))
    """
    outcome = attacked(template, body)
    assert outcome.status in ("died", "failed")


def test_ending_the_process_does_not_pass(template):
    outcome = attacked(template, "import os; os._exit(0)")
    assert outcome.status == "died"
    assert "exit status 0" in outcome.result.hint


def test_a_crash_is_named(template):
    outcome = attacked(template, "import ctypes; ctypes.string_at(0)")
    assert outcome.status == "died"
    assert "SIGSEGV" in outcome.result.hint


@pytest.mark.parametrize("way", ["sys.exit(0)", "raise SystemExit", "raise KeyboardInterrupt"])
def test_exits_are_errors(template, way):
    outcome = attacked_alone(template, f"import sys\n{way}")
    assert outcome.status == "failed"


def test_ending_the_process_in_the_file_fails_every_part(template):
    report = run(template, "import os; os._exit(0)")
    assert [outcome.status for outcome in report.outcomes] == ["died", "died"]


def test_threads_do_not_outlive_their_process(template):
    before = threading.active_count()
    body = """
    import threading, time
    def live():
        while True:
            time.sleep(0.01)
    for _ in range(4):
        threading.Thread(target=live).start()
    return ((pred - y) ** 2).mean()
    """
    start = time.monotonic()
    attacked(template, body)
    assert time.monotonic() - start < 4
    assert threading.active_count() <= before


def test_a_limit_is_positive():
    with pytest.raises(InputError, match="wall=0"):
        Limits(wall=0)


@linux
def test_processes_run_at_once_and_one_that_hangs_does_not_delay_the_others(template):
    limits = Limits(wall=3.0)
    with ThreadPoolExecutor(3) as pool:
        hangs = pool.submit(run, template, "import time; time.sleep(60)", ["5d"], limits)
        start = time.monotonic()
        others = list(pool.map(lambda _: run(template, "", ["5d"]).outcomes[0].status, range(6)))
        assert others == ["passed"] * 6
        assert time.monotonic() - start < 3.0 or not hangs.done()
        assert hangs.result().outcomes[0].status == "hung"


@linux
def test_many_processes_leave_none_behind(template):
    for _ in range(3):
        run(template, "")
    children = Path(f"/proc/{template.process.pid}/task/{template.process.pid}/children")
    assert children.read_text() == ""
