"""Mixed precision: what is chosen, and what is computed in it."""

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.training import autocast, resolve_precision
from eigenlab.training.precision import multiplies_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize("present", [True, False])
def test_auto_depends_on_the_processor_alone(present, monkeypatch):
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {"avx512_bf16": present, "avx2": True}, raising=False
    )
    assert multiplies_bfloat16(CPU) is present
    assert resolve_precision("auto", CPU) == ("bfloat16" if present else "float32")
    assert resolve_precision("bfloat16", CPU) == "bfloat16"


def test_an_older_torch_is_asked_in_another_way(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert multiplies_bfloat16(CPU)


def test_other_devices_and_names():
    assert not multiplies_bfloat16(torch.device("mps"))
    with pytest.raises(InputError, match="precision='half'; expected one of float32, bfloat16"):
        resolve_precision("half", CPU)


def test_products_are_rounded_to_eight_bits_and_weights_are_not():
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1 + 2**-10)  # bfloat16 has 2^-7 after 1
    x = torch.ones(1, 1)
    with autocast("float32", CPU):
        assert layer(x).item() == 1 + 2**-10
    with autocast("bfloat16", CPU):
        out = layer(x)
    assert out.item() == 1.0
    out.float().sum().backward()
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32
