"""What the parts of the GPU benchmark share: setting, rows, comparisons, the loop over parts.

A part is a generator of rows, registered by :func:`part`::

    @part
    def my_system(setting):
        '''One line on what is compared.'''
        yield check("output", mine.to(setting.device)(x), mine(x), setting.tolerance(torch.float32))
        yield timed("a step", setting, {"plain": ..., "eigenlab": ...})
"""

from __future__ import annotations

import contextlib
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from _side_by_side import alternate, summarise

TOLERANCES = {
    torch.float64: 1e-9,
    torch.float32: 1e-4,
    torch.float16: 2e-2,
    torch.bfloat16: 8e-2,
}
"""Largest difference from the CPU that counts as equal, over the largest number of the tensor.

GPU and CPU add in another order, so numbers differ by rounding: u for one operation, where u is
1.1e-16 (float64), 6.0e-8 (float32), 4.9e-4 (float16) and 3.9e-3 (bfloat16), and more by the number
of operations in a row that an error passes through. On the CPU these roundings change the hidden
states and gradients of the layers at full size by 1.5e-6 (float32 from float64), 1.3e-3 (float16
from float32) and 1.0e-2 (bfloat16). The bounds leave a factor of 8 to 70 and are below what they
must not miss: a float32 product rounded to TF32 (4.9e-4 each), float64 results that passed through
float32 (6.0e-8), and 16-bit results of wrong steps or weights (of order 1).
"""


@dataclass(frozen=True)
class Setting:
    """Where and how long to measure.

    Args:
        device: the device that is tried; the CPU is the reference.
        small: whether sizes are tiny, so that all parts take seconds on a CPU.
        deadline: ``time.perf_counter()`` at which to stop.
        times: whether anything is timed. Default: ``True``.
    """

    device: torch.device
    small: bool
    deadline: float
    times: bool = True

    def size(self, full: Any, small: Any) -> Any:
        """The size to use."""
        return small if self.small else full

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self.deadline - time.perf_counter()

    @property
    def on_cuda(self) -> bool:
        """Whether the device is a CUDA GPU."""
        return self.device.type == "cuda"

    def synchronise(self) -> None:
        """Wait until the device has done its work."""
        if self.on_cuda:
            torch.cuda.synchronize(self.device)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        what: what was compared or timed.
        status: ``"ok"``, ``"wrong"``, ``"failed"`` or ``"skipped"``.
        error: largest difference over the largest number. Default: ``None``, nothing compared.
        tolerance: the error that still counts as equal. Default: ``None``.
        times: of :func:`summarise`. Default: empty.
        note: further numbers, or why it failed. Default: empty.
        part: name of the part; the loop over parts fills it in.
        trace: traceback of a failure. Default: empty.
    """

    what: str
    status: str = "ok"
    error: float | None = None
    tolerance: float | None = None
    times: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    part: str = ""
    trace: str = ""


Part = Callable[[Setting], Iterator[Row]]
PARTS: dict[str, Part] = {}


def part(function: Part) -> Part:
    """Register a part under its name."""
    PARTS[function.__name__.replace("_", "-")] = function
    return function


def run(setting: Setting, names: Sequence[str], show: Callable[[Row], object]) -> list[Row]:
    """Run parts one after the other; one that fails becomes a row, and the others go on."""
    rows: list[Row] = []

    def add(row: Row, name: str) -> None:
        rows.append(replace(row, part=name))
        show(rows[-1])

    for name in names:
        if setting.seconds_left <= 0:
            add(Row("all of it", "skipped", note="out of time"), name)
            continue
        torch.manual_seed(0)
        try:
            for row in PARTS[name](setting):
                add(row, name)
                if setting.seconds_left <= 0:
                    add(Row("the rest, if any", "skipped", note="out of time"), name)
                    break
        except Exception as error:  # whatever it is, the other parts are still to be tried
            message = f"{type(error).__name__}: {error}".partition("\n")[0]
            add(Row("the rest", "failed", note=message, trace=traceback.format_exc()), name)
    return rows


def check(what: str, found: Any, expected: Any, tolerance: float, note: str = "") -> Row:
    """Compare tensors, numbers, or sequences and mappings of them."""
    pairs = list(zip(_leaves(found), _leaves(expected), strict=True))
    error = max(_difference(a, b) for a, b in pairs)
    status = "ok" if error <= tolerance else "wrong"  # NaN is wrong
    return Row(what, status, error, tolerance, note=note)


def _leaves(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key])
    elif isinstance(value, tuple | list):
        if value and isinstance(value[0], int | float):
            yield _plain(torch.tensor(value))
        else:
            for item in value:
                yield from _leaves(item)
    elif value is not None:
        yield _plain(torch.as_tensor(value))


def _plain(value: Tensor) -> Tensor:
    value = value.detach().cpu()
    return (torch.view_as_real(value) if value.is_complex() else value).double()


def _difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest number; infinite for other shapes or places of NaN."""
    if found.shape != expected.shape or not torch.equal(found.isnan(), expected.isnan()):
        return float("inf")
    found, expected = found.nan_to_num(), expected.nan_to_num()
    if not expected.numel():
        return 0.0
    largest = float(expected.abs().max()) or 1.0
    return float((found - expected).abs().max()) / largest


def timed(
    what: str,
    setting: Setting,
    ways: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 4.0,
    note: str = "",
) -> Row:
    """Time ways in turn, the first one being the reference of the ratios.

    Wall clock between two synchronisations, after a warm-up: it includes what the host needs to
    launch kernels, which is most of the time of a small recurrent step.
    """
    if not setting.times:
        for way in ways.values():
            way()
        return Row(what, note="not timed")
    begin = time.perf_counter()
    for way in ways.values():
        way()
    setting.synchronise()
    once = max(time.perf_counter() - begin, 1e-4)  # with the warm-up, so an upper estimate
    if 5 * once > setting.seconds_left:
        return Row(what, "skipped", note="out of time")
    rounds = setting.size(min(11, max(2, int(seconds / once))), 2)
    samples = alternate(
        ways,
        rounds=rounds,
        inner_seconds=setting.size(0.02, 0.0),
        pause=setting.size(0.02, 0.0),
        synchronise=setting.synchronise,
    )
    return Row(what, times=summarise(samples, next(iter(ways))), note=note)


@contextlib.contextmanager
def counted_synchronisations(setting: Setting) -> Iterator[Callable[[], int | None]]:
    """Count how often the host waited for the device; None where that cannot be told."""
    if not setting.on_cuda:
        yield lambda: None
        return
    before = torch.cuda.get_sync_debug_mode()
    setting.synchronise()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield lambda: sum("called a synchronizing" in str(w.message) for w in caught)
        finally:
            torch.cuda.set_sync_debug_mode(before)


def line(row: Row) -> str:
    """A row of the printed table."""
    shown = f"{row.part:20s} {row.what:44s} {row.status:8s}"
    if row.error is not None:
        shown += f" error {row.error:.1e} (at most {row.tolerance:.0e})"
    if row.times:
        shown += "  ".join(
            f" {name} {t['median_ms']:.3g} ms [{t['quartiles_ms'][0]:.3g}, "
            f"{t['quartiles_ms'][1]:.3g}] x {t['ratio']:.2f}"
            for name, t in row.times.items()
        )
    return shown + (f"  {row.note}" if row.note else "")
