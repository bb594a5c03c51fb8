import math

import pytest

from eigenlab.errors import InputError
from eigenlab.lab import Config
from toy_paths import TRAINED, load

TrainableConfig = load("trainable", TRAINED).config


def test_all_errors_are_reported_at_once():
    with pytest.raises(InputError) as caught:
        TrainableConfig.from_values(
            {"width": 0, "rate": -1.0, "wdth": 3, "device": "gpu", "seed": "x"}
        )
    told = str(caught.value)
    for fault in (
        "width=0: input should be greater than or equal to 1",
        "rate=-1.0: input should be greater than 0",
        "field 'wdth' is unknown (did you mean 'width'?)",
        "device='gpu'",
        "seed='x': input should be a valid integer",
    ):
        assert fault in told
    assert "\n" not in told


@pytest.mark.parametrize("rate", [math.nan, -math.inf, 0.0])
def test_a_bound_keeps_nan_out(rate):
    with pytest.raises(InputError, match="rate="):
        TrainableConfig(rate=0.1).replace(rate=rate)


def test_presets_are_overridden_and_unknown_ones_reported():
    assert TrainableConfig.from_preset("full").width == 8
    assert TrainableConfig.from_preset("full", width="9").width == 9
    with pytest.raises(InputError, match=r"preset 'ful' is unknown \(did you mean 'full'\?\)"):
        TrainableConfig.from_preset("ful")


def test_a_config_is_frozen_and_replace_validates():
    config = TrainableConfig()
    with pytest.raises(ValueError, match="frozen"):
        config.width = 3
    assert config.replace(width=3).width == 3
    assert config.width == 4
    with pytest.raises(InputError, match="width=100"):
        config.replace(width=100)


def test_an_unknown_field_without_a_similar_name_lists_the_known_ones():
    with pytest.raises(InputError, match="'zzz' is unknown; choose from device, seed"):
        Config.from_values({"zzz": 1})


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="rate=inf: input should be a finite number"):
        TrainableConfig().replace(rate=math.inf)
