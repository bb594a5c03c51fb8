"""The page on autoencoders: widths, painted pictures, noise and masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.experiments.few_label_probe.config import FewLabelConfig
from eigenlab.experiments.few_label_probe.encoders import load_small_digits
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.autoencoder import (
    DEMO,
    WIDTHS,
    AutoencoderSettings,
    draw,
    prepare,
)
from eigenlab.studio.demos.drawn_text import format_pixels
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace

TINY = AutoencoderSettings(epochs=5)


def _painted(rows: slice, columns: slice, ink: float = 1.0) -> str:
    picture = np.zeros((28, 28))
    picture[rows, columns] = ink
    return format_pixels(picture.tolist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("autoencoder")
    prepare(TINY, folder, Reporter())
    return folder


def _row(view, place: int) -> np.ndarray:
    """One of the three rows of pictures, without the gaps: (8, 8, 8)."""
    z = np.array(view.panels[0].figure.data[0].z)[9 * place : 9 * place + 8]
    return z.reshape(8, 8, 9)[:, :, :8].transpose(1, 0, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"width": 1, "corruption": "noise"},
        {"corruption": "mask", "picture": _painted(slice(5, 23), slice(12, 15))},
    ],
)
def test_python_lines_compute_the_numbers(folder, changes):
    check_python_lines(draw(TINY.replace(**changes), folder), rel=1e-4)


def test_other_kinds_are_trained_as_their_lines_say(tmp_path):
    settings = TINY.replace(kind="masked", width=2)
    prepare(settings, tmp_path, Reporter())
    check_python_lines(draw(settings, tmp_path), rel=1e-4)


def test_originals_are_the_test_pictures(folder):
    view = draw(TINY.replace(example=3), folder)
    expected = load_small_digits(FewLabelConfig()).test[0][3:11].reshape(8, 8, 8)
    np.testing.assert_allclose(_row(view, 0), expected, rtol=1e-6)
    np.testing.assert_array_equal(_row(view, 1), _row(view, 0))


def test_errors_fall_with_the_width_and_pca_loses_nothing_at_64(folder):
    view = draw(TINY, folder)
    errors = trace(view, "error", "PCA").y
    assert list(errors) == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6
    assert trace(view, "error", "present width").x == (TINY.width,)


def test_a_mask_of_everything_leaves_an_empty_picture(folder):
    view = draw(TINY.replace(corruption="mask", mask_prob=1.0), folder)
    assert not _row(view, 1).any()
    original = load_small_digits(FewLabelConfig()).test[0][0]
    assert view.numbers["shown_error"] == pytest.approx(original.square().sum().item())


def test_no_noise_is_no_corruption(folder):
    clean, still = (
        draw(TINY.replace(**changes), folder)
        for changes in (
            {},
            {"corruption": "noise", "noise_std": 0.0},
        )
    )
    assert still.numbers == clean.numbers


def test_a_painted_picture_comes_first_cut_out_and_scaled(folder):
    """A filled square fills the frame, wherever it is; a bar of half its width, half of it."""
    square = draw(TINY.replace(picture=_painted(slice(2, 10), slice(15, 23))), folder)
    np.testing.assert_allclose(_row(square, 0)[0], np.ones((8, 8)))
    bar = draw(TINY.replace(picture=_painted(slice(4, 20), slice(0, 8))), folder)
    expected = np.zeros((8, 8))
    expected[:, 2:6] = 1
    np.testing.assert_allclose(_row(bar, 0)[0], expected)
    assert "Your picture" in bar.sentence


@pytest.mark.parametrize("cell", [(0, 0), (27, 27), (13, 5)])
def test_a_single_painted_pixel_is_drawn(folder, cell):
    row, column = cell
    text = _painted(slice(row, row + 1), slice(column, column + 1))
    assert np.isfinite(list(draw(TINY.replace(picture=text), folder).numbers.values())).all()


@pytest.mark.parametrize("text", ["", "0" * 784])
def test_a_blank_picture_gives_way_to_a_test_picture(folder, text):
    check_same(draw(TINY, folder), draw(TINY.replace(picture=text), folder))


@pytest.mark.parametrize("text", ["0" * 783, "g" * 784, "paint"])
def test_what_is_no_picture_is_refused(text):
    with pytest.raises(InputError, match="784 hexadecimal"):
        TINY.replace(picture=text)


def test_only_trained_widths_are_accepted():
    with pytest.raises(InputError, match="width=5 is not trained"):
        TINY.replace(width=5)
    # The positions of the slider.
    for place, width in enumerate(WIDTHS):
        position = min(place * 0.3010299957, np.log10(64))
        assert TINY.replace(width=float(f"{10**position:.3g}")).width == width


def test_same_settings_same_view_and_other_settings_move_numbers_only(folder):
    first = draw(TINY, folder)
    check_same(first, draw(TINY, folder))
    other = TINY.replace(width=1, corruption="noise", picture=_painted(slice(5, 9), slice(5, 9)))
    check_updates_in_place(first, draw(other, folder))


def test_predicting_does_not_change_the_stored_models(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for width in WIDTHS:
        draw(TINY.replace(width=width, corruption="noise"), folder)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert torch.is_grad_enabled()


def test_examples_are_settings():
    for example in DEMO.examples:
        AutoencoderSettings(**example.changes)
