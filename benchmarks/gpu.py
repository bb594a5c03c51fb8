"""Everything eigenlab does on a GPU: equal to the CPU first, then its time beside plain PyTorch.

For each system (``_gpu_parts.py``), results on the GPU are compared with those on the CPU, with
TF32 off and the tolerances of ``_gpu.TOLERANCES``; then times are measured in turn with plain
PyTorch on the same GPU: synchronised wall clock, after a warm-up, median, quartiles and the ratio
to plain PyTorch. No data set is needed. A part that fails is a row of the table and does not stop
the others; the exit status is then 1.

    python benchmarks/gpu.py                          # on a machine with a CUDA GPU, < 5 minutes
    python benchmarks/gpu.py --device cpu --small     # tries the script in seconds, stores nothing
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import torch

import _gpu_parts  # noqa: F401  (registers the parts)
from _gpu import PARTS, TOLERANCES, Setting, line, run
from _side_by_side import accelerator, store


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--device", default="auto", help="cuda, cuda:1 or cpu; auto is cuda where there is a GPU"
    )
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try the script")
    parser.add_argument(
        "--budget", type=float, default=280, help="seconds after which no more is measured"
    )
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), help="parts to run")
    parser.add_argument(
        "--output", type=Path, help="JSON file; for a full run on a GPU results/gpu.json"
    )
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    if not torch.cuda.is_available() and chosen.device != "cpu":
        print("no CUDA GPU here, so nothing is measured; --device cpu --small tries the script")
        return 0 if chosen.device == "auto" else 2
    device = torch.device("cuda" if chosen.device == "auto" else chosen.device)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    torch.set_num_threads(min(8, torch.get_num_threads()))  # more slow down the small references
    # Neither side rounds float32 products to TF32; cuDNN does by default.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    print(f"device {device}, torch {torch.__version__}, {accelerator() or 'no GPU'}\n")
    begin = time.perf_counter()
    setting = Setting(device, chosen.small, begin + chosen.budget)
    rows = run(setting, chosen.only or list(PARTS), lambda row: print(line(row), flush=True))
    seconds = time.perf_counter() - begin
    counts = Counter(row.status for row in rows)
    print(f"\n{seconds:.0f} s: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
    for row in rows:
        if row.trace:
            print(f"\n{row.part}\n{row.trace}", file=sys.stderr)
    if chosen.output or (device.type == "cuda" and not chosen.small):
        content = {
            "device": str(device),
            "small": chosen.small,
            "seconds": seconds,
            "tf32": False,
            "tolerances": {str(dtype): value for dtype, value in TOLERANCES.items()},
            "rows": [asdict(replace(row, trace="")) for row in rows],
        }
        store("gpu", content, chosen.output)
    return 1 if counts["failed"] or counts["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
