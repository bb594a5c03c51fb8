"""What a SpeedNet computes between its convolutions, by kernels of its own or by torch."""

import copy
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from eigenlab.vision import fused
from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.whiten import PatchWhitening

pytestmark = pytest.mark.slow

INTERPRETED = Path(__file__).with_name("fused_in_interpreter.py")


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_the_kernels_compute_what_torch_does():
    # Where a tile reaches over the border, numbers are computed that nobody reads.
    overflow = "ignore:overflow:RuntimeWarning"
    command = [sys.executable, "-m", "pytest", "-W", overflow, str(INTERPRETED)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_kernels_do_not_compute_is_left_to_torch(monkeypatch):
    # On a GPU, too: another activation, a trained scale, ghost batches, double precision, which
    # float32 would shorten without a word, and one number per channel, which torch refuses.
    monkeypatch.setattr(fused, "usable", lambda activation, device: type(activation) in (nn.SiLU,))
    x = torch.randn(8, 3, 4, 4)
    silu, trained = nn.SiLU(), BatchNorm(3)
    ghost = BatchNorm(3, frozen_scale=True, ghost_size=4)
    for activation, norm in (
        (nn.Tanh(), BatchNorm(3, frozen_scale=True)),
        (silu, trained),
        (silu, ghost),
    ):
        expected = activation(copy.deepcopy(norm)(nn.functional.max_pool2d(x, 2)))
        assert torch.equal(fused.pool_norm_activation(x, norm, activation, True), expected)
    double, norm = x.double(), BatchNorm(3, frozen_scale=True).double()
    expected = silu(copy.deepcopy(norm)(nn.functional.max_pool2d(double, 2)))
    assert torch.equal(fused.pool_norm_activation(double, norm, silu, True), expected)
    with torch.no_grad():
        layer = PatchWhitening(2).double()
        layer.fit(double)
        expected = silu(layer(double))
        assert torch.equal(fused.whitened_activation(double, layer, silu), expected)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        fused.pool_norm_activation(x[:1, :, :2, :2], BatchNorm(3, frozen_scale=True), silu, True)
