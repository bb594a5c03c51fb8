"""The page on the ladder of image classifiers."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from eigenlab.reporter import Reporter
from eigenlab.studio.demos import View
from eigenlab.studio.demos.image_ladder import DEMO, draw
from eigenlab.studio.demos.image_ladder_figures import _label_entropy
from eigenlab.studio.demos.image_ladder_network import (
    FORMAT,
    LOGITS,
    ImageLadderSettings,
    prepare,
)
from eigenlab.training import derive_seed
from eigenlab.training.storage import read_model
from eigenlab.vision import SpeedNet, ladder, shapes32
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace

pytestmark = pytest.mark.slow

TOP = "SpeedNet and Muon"
TINY = ImageLadderSettings(rung=TOP, images=300, epochs=1)


def _prepared(settings: ImageLadderSettings, folder: Path) -> Path:
    folder.mkdir(parents=True)
    prepare(settings, folder, Reporter())
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _prepared(TINY, tmp_path_factory.mktemp("ladder") / "tiny")


def _pixels(view: View, panel: str) -> np.ndarray:
    """The picture of a panel, (H, W, 4), as another library reads its file."""
    (figure,) = [item.figure for item in view.panels if item.name == panel]
    kind, _, content = figure.data[0].source.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content, validate=True))))


@pytest.fixture
def labels() -> torch.Tensor:
    return shapes32(500, seed=derive_seed(0, "test")).labels


def test_the_choices_are_the_rungs_of_the_ladder():
    field = ImageLadderSettings.model_fields["rung"]
    assert list(get_args(field.annotation)) == [rung.name for rung in ladder()]


@pytest.mark.parametrize("changes", [{}, {"tta": "mirror"}, {"tta": "translate"}])
def test_python_lines_compute_the_numbers(folder, changes):
    check_python_lines(draw(TINY.replace(**changes), folder))


@pytest.mark.parametrize("rung", ["ResNet-18", "averaged weights"])
def test_other_rungs_are_trained_as_their_lines_say(tmp_path, rung):
    settings = TINY.replace(rung=rung, images=200, seed=3, tta="mirror")
    check_python_lines(draw(settings, _prepared(settings, tmp_path / "other")))


def test_accuracy_is_that_of_the_stored_weights(folder, labels):
    """By the network itself, one image after the other."""
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    mean, deviation = (weights.pop(name).view(1, 3, 1, 1) for name in ("mean", "deviation"))
    model = SpeedNet(widths=(8, 32, 32))
    model.load_state_dict(weights)
    images = shapes32(500, seed=derive_seed(0, "test")).images.permute(0, 3, 1, 2)[:50]
    with torch.no_grad():
        logits = torch.cat([model.eval()((x[None] / 255 - mean) / deviation) for x in images])
    stored, _ = read_model(folder / "logits.safetensors", format=LOGITS)
    torch.testing.assert_close(stored["none"][:50], logits, rtol=1e-3, atol=1e-4)
    right = int((stored["none"].argmax(1) == labels).sum())
    assert draw(TINY, folder).numbers["accuracy"] == right / 500


def test_the_confusion_matrix_counts_every_test_image(folder, labels):
    view = draw(TINY, folder)
    (table,) = [np.array(p.figure.data[0].z) for p in view.panels if p.name == "confusion"]
    assert table.sum(1).tolist() == labels.bincount(minlength=10).tolist()
    assert table.trace() / 500 == view.numbers["accuracy"]


def test_the_first_confused_image_is_the_wrong_one_of_least_probability(folder, labels):
    stored, _ = read_model(folder / "logits.safetensors", format=LOGITS)
    probability = stored["none"].double().softmax(1)[torch.arange(500), labels]
    probability[stored["none"].argmax(1) == labels] = 2
    worst = int(probability.argmin())
    view = draw(TINY, folder)
    (figure,) = [panel.figure for panel in view.panels if panel.name == "confused"]
    shown = _pixels(view, "confused")[:32, :32, :3]
    data = shapes32(500, seed=derive_seed(0, "test"))
    np.testing.assert_array_equal(shown, data.images[worst].numpy())
    assert figure.layout.annotations[0].text.startswith(data.classes[int(labels[worst])])


def test_whitening_filters_come_with_their_negatives(folder):
    """2 x 2 patches of three colours: 12 filters, and 12 negatives, grey (128) being 0."""
    z = _pixels(draw(TINY, folder), "filters").astype(int)
    tiles = [z[3 * row : 3 * row + 2, 3 * k : 3 * k + 2, :3] for row in range(4) for k in range(6)]
    for one, other in zip(tiles[:12], tiles[12:24], strict=True):
        np.testing.assert_allclose(one + other, 255, atol=1)


def test_trainings_beside_it_are_compared(folder, tmp_path):
    first = Path(shutil.copytree(folder, tmp_path / "a"))
    view = draw(TINY, first)
    assert len(trace(view, "compared", "as many images and epochs").x) == 1
    _beside(first, "b", rung="whitened patches", seconds=8.0)
    _beside(first, "c", rung="whitened patches", seconds=6.0, seed=1)
    _beside(first, "d", images=200)
    _beside(first, "e.partial", seed=1)  # one that is not finished
    _beside(first, "f", format="of another version")
    other = draw(TINY, first)
    assert len(trace(other, "compared", "as many images and epochs").x) == 3
    assert len(trace(other, "compared", "other").x) == 1
    here = trace(other, "seconds", "here")
    assert list(here.x) == [10, 14]
    assert here.y[0] == 7.0  # the median
    assert other.numbers == view.numbers


def _beside(folder: Path, name: str, **changes: object) -> None:
    """Keep another result beside a training."""
    result = json.loads((folder / "result.json").read_text("utf-8")) | changes
    (folder.parent / name).mkdir()
    (folder.parent / name / "result.json").write_text(json.dumps(result), "utf-8")


@pytest.mark.parametrize("rung", ["ResNet-9", "label smoothing"])
def test_dotted_line_is_the_least_cross_entropy(rung):
    """That of the best logits, which torch finds to be the logarithms of the smoothed labels."""
    smoothing = {"ResNet-9": 0.0, "label smoothing": 0.2}[rung]
    best = torch.full((1, 10), max(smoothing / 10, 1e-30), dtype=torch.float64)
    best[0, 3] += 1 - smoothing
    expected = torch.nn.functional.cross_entropy(
        best.log(), torch.tensor([3]), label_smoothing=smoothing
    )
    assert _label_entropy(smoothing) == pytest.approx(expected.item(), abs=1e-12)
    assert next(r for r in ladder() if r.name == rung).recipe.label_smoothing == smoothing


def test_published_seconds_are_those_of_the_ladder(folder):
    shown = trace(draw(TINY, folder), "seconds", "published, V100")
    assert dict(zip(shown.x, shown.y, strict=True))[1] == 297
    assert trace(draw(TINY, folder), "seconds", "published, A100").y == (2.59,)


def test_same_settings_same_view_and_other_settings_move_numbers_only(folder, tmp_path):
    first = draw(TINY, folder)
    check_same(first, draw(TINY, folder))
    check_updates_in_place(first, draw(TINY.replace(tta="mirror"), folder))
    other = TINY.replace(rung="ResNet-9", images=200)
    check_updates_in_place(first, draw(other, _prepared(other, tmp_path / "nine")))


def test_augmentation_needs_no_new_training(folder):
    plain, mirrored = (draw(TINY.replace(tta=tta), folder) for tta in ("none", "mirror"))
    assert "tta" not in DEMO.preparation.settings
    assert plain.numbers["plain_accuracy"] == mirrored.numbers["plain_accuracy"]
    assert "The augmentation corrects" in mirrored.sentence
    assert "augmentation" not in plain.sentence


def test_corrected_and_spoiled_images_are_counted(folder, labels):
    stored, _ = read_model(folder / "logits.safetensors", format=LOGITS)
    right = {name: logits.argmax(1) == labels for name, logits in stored.items()}
    gained = sum(b and not a for a, b in zip(right["none"], right["mirror"], strict=True))
    lost = sum(a and not b for a, b in zip(right["none"], right["mirror"], strict=True))
    sentence = draw(TINY.replace(tta="mirror"), folder).sentence
    assert f"corrects {int(gained)} image" in sentence
    assert f"spoils {int(lost)}: {(gained - lost) / 5:+.1f} percentage points" in sentence


def test_an_untrained_network_is_said_to_guess(folder):
    """After two updates; and no improvement of a network that guesses reaches a goal."""
    view = draw(TINY.replace(tta="mirror"), folder)
    assert view.numbers["accuracy"] < 0.13
    assert "no better than guessing" in view.sentence
    assert not any(goal.reached for goal in view.goals)


def test_examples_are_settings():
    for example in DEMO.examples:
        ImageLadderSettings(**example.changes)
