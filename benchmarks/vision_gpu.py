"""CIFAR-10 on one GPU: eigenlab's fastest recipe beside the published scripts, in turns.

    EIGENLAB_DATA=... python benchmarks/vision_gpu.py --peer airbench=airbench94_muon.py \\
        --peer hiverge=cifar10_speedrun.py [--runs 50] [--budget 500]
    python benchmarks/vision_gpu.py --device cpu --small      # tries the script, stores nothing

A peer is a script of https://github.com/KellerJordan/cifar10-airbench or
https://github.com/hiverge/cifar10-speedrun, used as it is: its ``main(run, model)`` is called, with
its own compilation and warm-up, and its clock is read from the line that it prints. What the
scripts take of torchvision (normalising, and reading the images) is put in its place, since they
need nothing else of it. The clock of all: whitening, training and the test pass with test-time
augmentation; compilation, a whole warm-up run, decoding and the copy to the device are outside.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import io
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from _side_by_side import accelerator, store
from eigenlab.errors import DataError
from eigenlab.files import read_json
from eigenlab.vision import (
    ImageDataset,
    PreparedTraining,
    Recipe,
    ladder,
    load_cifar10,
    shapes32,
    summarize_runs,
)

TARGET = 0.94
#: Found by the search whose results are in `results/vision_gpu_search.json`.
RECIPE = ladder()[-1].recipe.replaced(precision="bfloat16")
#: The seeds from here on were not used in the search for the recipe.
FIRST_SEED = 1000
Run = Callable[[int], tuple[float, float]]
"""Number of the run -> accuracy and seconds; a negative number is a warm-up."""


def ours(recipe: Recipe, training: ImageDataset, test: ImageDataset, device: str) -> Run:
    prepared = PreparedTraining(recipe, training, test, device=device)

    def run(number: int) -> tuple[float, float]:
        found = prepared(number + FIRST_SEED)
        return found.accuracy, found.total_seconds

    return run


class _Normalize:
    """What the scripts use of torchvision.transforms."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self.mean, self.std = mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self.mean.to(images)) / self.std.to(images)


@contextlib.contextmanager
def torchvision_in_place() -> Iterator[None]:
    """A module torchvision with the one transform that the scripts use, where it is missing."""
    if importlib.util.find_spec("torchvision") is not None:
        yield
        return
    vision, transforms = types.ModuleType("torchvision"), types.ModuleType("transforms")
    transforms.Normalize = _Normalize  # type: ignore[attr-defined]
    vision.transforms = transforms  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": vision, "torchvision.transforms": transforms}
    try:
        yield
    finally:
        for name in ("torchvision", "torchvision.transforms"):
            del sys.modules[name]


def peer(path: Path, folder: Path) -> Run:
    """A published script; its images are read from ``folder/cifar10/{train,test}.pt``."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.argv[0] = str(path)  # it reads its own source
    spec.loader.exec_module(module)
    model = module.CifarNet().cuda().to(memory_format=torch.channels_last)
    model.compile(mode="max-autotune")
    clock: dict[str, float] = {}

    def details(variables: dict[str, Any], is_final_entry: bool) -> None:
        if is_final_entry:
            clock["seconds"] = variables["time_seconds"]

    module.print_training_details = details

    def run(number: int) -> tuple[float, float]:
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            returned = module.main("warmup" if number < 0 else number, model)
        accuracy = returned[1] if isinstance(returned, tuple) else returned
        return float(accuracy), clock["seconds"]

    return run


def write_for_peers(folder: Path, training: ImageDataset, test: ImageDataset) -> None:
    (folder / "cifar10").mkdir(parents=True)
    for name, data in (("train", training), ("test", test)):
        content = {"images": data.images, "labels": data.labels, "classes": list(data.classes)}
        torch.save(content, folder / "cifar10" / f"{name}.pt")


def warmed_up(name: str, build: Callable[[], Run], memory: dict[str, float | None]) -> Run | None:
    """A way that has run once; None, with a message, where it does not run here.

    ``memory`` is told how many GiB of the GPU it took.
    """
    begin, before = time.perf_counter(), 0
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_reserved()
    try:
        way = build()
        way(-1)
    except Exception as error:  # a script for another torch, say; the others are still measured
        print(f"{name} does not run here: {type(error).__name__}: {error}", flush=True)
        return None
    memory[name] = None
    if torch.cuda.is_available():
        memory[name] = (torch.cuda.max_memory_reserved() - before) / 2**30
    print(
        f"{name}: ready after {time.perf_counter() - begin:.0f} s, {memory[name]} GiB", flush=True
    )
    return way


def alternate(
    ways: dict[str, Run], runs: int, until: float
) -> dict[str, list[tuple[float, float]]]:
    """Accuracy and seconds of each run, A B C A B C ..., for as long as the time lasts."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(runs):
        if time.perf_counter() > until:
            print(f"the time is up after {number} of {runs} runs of each")
            break
        for name, way in ways.items():
            found[name].append(way(number))
        if number % 10 == 9:
            means = {
                n: [f"{mean(column):.4f}" for column in zip(*f, strict=True)]
                for n, f in found.items()
            }
            print(f"{number + 1} runs each: {means}", flush=True)
    return found


def summarise(runs: list[tuple[float, float]], reference: list[tuple[float, float]]) -> dict:
    accuracies, seconds = zip(*runs, strict=True)
    ratios = [a[1] / b[1] for a, b in zip(runs, reference, strict=True)]
    return {
        "n": len(runs),
        "summary": asdict(summarize_runs(accuracies, TARGET)),
        "median_seconds": median(seconds),
        "quartiles_seconds": quantiles(seconds, n=4)[::2] if len(runs) > 1 else None,
        "ratio_to_first_peer": median(ratios),
        "accuracies": accuracies,
        "seconds": seconds,
    }


def limits(recipe: Recipe, device: torch.device, n_train: int) -> dict[str, float]:
    """Operations and bytes of a training, and the rates of this device for both."""
    model = recipe.build(10).to(device).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.zeros(1, 3, 32, 32, device=device))
    flops = 3 * counter.get_total_flops() * recipe.epochs * n_train
    size = 8192 if device.type == "cuda" else 1024
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    rate = 2 * size**3 / _seconds(lambda: a @ a, device)
    count = 1 << (28 if device.type == "cuda" else 22)
    copied = torch.empty(count, device=device, dtype=torch.int8)
    bandwidth = 2 * copied.numel() / _seconds(copied.clone, device)
    # Every output of a layer is written once and read once, forward and backward, in two bytes.
    numbers = sum(_outputs(model, device))
    moved = 2 * 2 * 2 * numbers * recipe.epochs * n_train
    return {
        "flops": flops,
        "matrix_rate": rate,
        "arithmetic_floor_seconds": flops / rate,
        "bytes": moved,
        "bandwidth": bandwidth,
        "memory_floor_seconds": moved / bandwidth,
    }


def _outputs(model: torch.nn.Module, device: torch.device) -> list[int]:
    sizes: list[int] = []
    hooks = [
        module.register_forward_hook(lambda _m, _i, out: sizes.append(out.numel()))
        for module in model.modules()
        if not list(module.children())
    ]
    with torch.no_grad():
        model(torch.zeros(1, 3, 32, 32, device=device))
    for hook in hooks:
        hook.remove()
    return sizes


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    call()
    samples = []
    for _ in range(5):
        begin = now()
        call()
        samples.append(now() - begin)
    return min(samples)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny data and network, to try it")
    parser.add_argument("--peer", action="append", default=[], help="NAME=SCRIPT")
    parser.add_argument("--recipe", type=Path, help="JSON file of settings [default: RECIPE]")
    parser.add_argument("--root", type=Path, help="folder that contains cifar10")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--budget", type=float, default=500, help="seconds for all")
    parser.add_argument("--output", type=Path, help="JSON file [default: results/vision_gpu.json]")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    begin = time.perf_counter()
    device = torch.device(chosen.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("no CUDA GPU here, so nothing is measured; --device cpu --small tries the script")
        return 0
    recipe = RECIPE.replaced(compile=device.type == "cuda")
    if chosen.recipe:
        recipe = recipe.replaced(**read_json(chosen.recipe))
    if chosen.small:
        recipe = recipe.replaced(width=4, epochs=1, batch_size=100, precision="float32")
        training, test = shapes32(500), shapes32(100, seed=1)
        chosen.runs = min(chosen.runs, 2)
    else:
        try:
            training, test = load_cifar10("train", chosen.root), load_cifar10("test", chosen.root)
        except DataError as error:
            print(f"skipped: {error}")
            return 0
    with tempfile.TemporaryDirectory() as folder, torchvision_in_place():
        if chosen.peer:
            write_for_peers(Path(folder), training, test)
        builds: dict[str, Callable[[], Run]] = {}
        for each in chosen.peer:
            name, _, path = each.partition("=")
            builds[name] = functools.partial(peer, Path(path).resolve(), Path(folder))
        builds["eigenlab"] = lambda: ours(recipe, training, test, chosen.device)
        memory: dict[str, float | None] = {}
        tried = {name: warmed_up(name, build, memory) for name, build in builds.items()}
        ways = {name: way for name, way in tried.items() if way is not None}
        found = alternate(ways, chosen.runs, begin + chosen.budget)
    reference = next(iter(found.values()))
    rows = {name: summarise(runs, reference) for name, runs in found.items()}
    floors = limits(recipe, device, len(training))
    for name, row in rows.items():
        print(
            f"{name:12s} n={row['n']}  {mean(row['accuracies']):.2%}  median "
            f"{row['median_seconds']:.3f} s  {row['ratio_to_first_peer']:.2f} x the first"
        )
    print(
        f"floors: arithmetic {floors['arithmetic_floor_seconds']:.3f} s, memory "
        f"{floors['memory_floor_seconds']:.3f} s; eigenlab's mean "
        f"{mean(rows['eigenlab']['seconds']):.3f} s"
    )
    if not chosen.small or chosen.output:
        content = {
            "rows": rows,
            "floors": floors,
            "recipe": asdict(recipe),
            "memory_gib": memory,
            "accelerator": accelerator(),
        }
        store("vision_gpu", content, chosen.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
