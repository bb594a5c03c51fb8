"""Two processes of ``torchrun`` are one run: one of them prints and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from eigenlab.training import generator
from eigenlab.vision import (
    ImageClassifier,
    load_image_folder,
    read_picture,
    shapes32,
    split_images,
)

pytestmark = pytest.mark.slow


def torchrun(folder, *words):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", "-m", "eigenlab", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


def test_only_one_of_two_processes_prints_and_writes(tmp_path):
    done = torchrun(tmp_path, "run", "toy", "--json", "--out", "run")
    assert json.loads(done.stdout)["status"] == "finished"
    assert done.stderr.count("toy: count") == 1
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["run"]


def test_two_processes_train_one_translator(tmp_path):
    pairs = "".join(f"perro {n}\tdog {n}\n" for n in range(40))
    (tmp_path / "pairs.tsv").write_text(pairs, encoding="utf-8")
    words = ("translate", "train", "pairs.tsv", "m", "--epochs", "2", "--hidden-size", "8")
    done = torchrun(tmp_path, *words, "--held-out", "0.2")
    assert done.stderr.count("epoch 2 of 2") == 1
    assert done.stdout.count("Model: m") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "pairs.tsv"]


def test_two_processes_fit_one_classifier(tmp_path):
    image = pytest.importorskip("PIL.Image")
    data = shapes32(80, seed=0)
    for k, (pixels, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        (tmp_path / "pictures" / data.classes[label]).mkdir(parents=True, exist_ok=True)
        image.fromarray(pixels.numpy()).save(
            tmp_path / "pictures" / data.classes[label] / f"{k}.png"
        )
    words = ("classify", "train", "pictures", "two.safetensors", "--epochs", "2", "--width", "4")
    done = torchrun(tmp_path, *words, "--precision", "float32")
    assert done.stderr.count("2 processes train together") == 1
    assert done.stdout.count("Model: two.safetensors") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "two.safetensors"]
    files = sorted((tmp_path / "pictures").glob("*/*.png"))
    images = torch.stack([read_picture(file, 32) for file in files])
    together = ImageClassifier.load(tmp_path / "two.safetensors")
    training, _ = split_images(
        load_image_folder(tmp_path / "pictures"), 0.1, generator(0, "held out")
    )
    alone = ImageClassifier(**together.get_params())
    alone.fit(training.images, np.array(training.classes)[training.labels])
    # Each process normalises over its half of a batch, which a process alone does not.
    assert not np.allclose(together.predict_proba(images), alone.predict_proba(images), atol=1e-3)
