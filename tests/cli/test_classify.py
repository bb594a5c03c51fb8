"""``eigenlab classify``: training on a folder, and classes of pictures."""

from __future__ import annotations

import json
import re
import signal

import numpy as np
import pytest
import torch

from eigenlab.vision import ImageClassifier, shapes32
from processes import wait_for

Image = pytest.importorskip("PIL.Image")

QUICK = ("--epochs", "2", "--width", "4", "--precision", "float32")


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures of three classes, of two sizes."""
    data = shapes32(200, seed=0)
    chosen = ("disc", "star", "cross")
    root = tmp_path / "pictures"
    for k, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        name = data.classes[label]
        if name not in chosen:
            continue
        picture = Image.fromarray(image.numpy())
        if k % 2:
            picture = picture.resize((50, 40))
        (root / name).mkdir(parents=True, exist_ok=True)
        picture.save(root / name / f"{k}.png")
    return root


def test_a_folder_is_learned_and_its_pictures_classified(call, folder, tmp_path):
    shown = call("classify", "train", "pictures", *QUICK)
    assert shown.status == 0, shown.err
    assert "classify: classes: cross, disc, star\n" in shown.err
    assert "skipped" not in shown.err
    assert "54 pictures of 3 classes to train on and 6 held out" in shown.err
    assert re.search(r"^\d+\.\d% of 6 held-out pictures are right\n", shown.out)
    assert shown.out.endswith("Model: pictures.safetensors\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "pictures.safetensors"]
    some = sorted(folder.glob("*/*.png"))[:3]
    found = call("classify", *some, "--model", "pictures.safetensors", "--top", "2")
    assert found.status == 0, found.err
    lines = found.out.splitlines()
    assert len(lines) == 3
    assert all(re.fullmatch(r".*\.png +\w+ \d+\.\d% +\w+ \d+\.\d%", line) for line in lines)
    rows = json.loads(call("classify", *some, "--model", "pictures.safetensors", "--json").out)
    model = ImageClassifier.load(tmp_path / "pictures.safetensors")
    assert [row["picture"] for row in rows] == [str(path) for path in some]
    for row in rows:
        assert set(row["classes"]) == set(model.classes_.tolist())
        assert sum(row["classes"].values()) == pytest.approx(1)
        assert list(row["classes"].values()) == sorted(row["classes"].values(), reverse=True)


def test_options_reach_the_classifier(call, folder, tmp_path):
    more = ("--no-flip", "--image-size", "16", "--held-out", "0", "--seed", "7")
    shown = call("classify", "train", "pictures", "deep/model.safetensors", *QUICK, *more)
    assert shown.status == 0, shown.err
    assert "No picture was held out" in shown.out
    found = ImageClassifier.load(tmp_path / "deep/model.safetensors").get_params()
    expected = {"flip": "none", "tta": "none", "image_size": 16, "random_state": 7, "width": 4}
    assert {name: found[name] for name in expected} == expected


def test_a_picture_given_twice_is_shown_twice(call, folder):
    assert call("classify", "train", "pictures", *QUICK).status == 0
    one, other = sorted(folder.glob("*/*.png"))[:2]
    shown = call("classify", one, other, one, "--model", "pictures.safetensors", "--json")
    rows = json.loads(shown.out)
    assert [row["picture"] for row in rows] == [str(one), str(other), str(one)]
    assert rows[0]["classes"] == pytest.approx(rows[2]["classes"], abs=1e-6)


@pytest.mark.parametrize("size", [(300, 100), (41, 90), (20, 30), (32, 32)])
def test_a_file_and_its_array_are_classified_the_same(call, folder, tmp_path, size):
    assert call("classify", "train", "pictures", *QUICK).status == 0
    pixels = np.random.default_rng(0).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "some.png")
    shown = call("classify", "some.png", "--model", "pictures.safetensors", "--json")
    (row,) = json.loads(shown.out)
    model = ImageClassifier.load(tmp_path / "pictures.safetensors")
    for array in (pixels, pixels / 255, (pixels / 255).astype(np.float32)):
        found = dict(zip(model.classes_.tolist(), model.predict_proba(array[None])[0], strict=True))
        assert row["classes"] == pytest.approx(found, abs=1e-12)


def test_settings_are_refused_before_pictures_are_read(call, folder, monkeypatch):
    def read(*_, **__):
        raise AssertionError

    monkeypatch.setattr("eigenlab.vision.load_image_folder", read)
    for words in (
        ("--image-size", "8"),
        ("--width", "0"),
        ("--epochs", "0"),
        ("--device", "toaster"),
    ):
        shown = call("classify", "train", "pictures", *words)
        assert shown.status == 2
        assert words[1] in shown.err


def test_what_is_no_picture_is_named_and_the_others_are_classified(call, folder, tmp_path):
    assert call("classify", "train", "pictures", *QUICK).status == 0
    (tmp_path / "notes.txt").write_text("no picture")
    good = next(folder.glob("star/*.png"))
    shown = call("classify", "notes.txt", "gone.png", good, "--model", "pictures.safetensors")
    assert shown.status == 2
    assert "notes.txt cannot be read as a picture: it is no picture" in shown.err
    assert "gone.png does not exist" in shown.err
    assert len(shown.out.splitlines()) == 1
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("classify", "--model", "m"), "no picture was given"),
        (("classify", "a.png", "--model", "gone.safetensors"), "gone.safetensors does not exist"),
        (("classify", "a.png"), "--model"),
        (("classify", "a.png", "--model", "m", "--top", "0"), "top=0"),
        (("classify", "train"), "name the file of the model"),
        (("classify", "train", "nowhere"), "nowhere is not a folder"),
        (("classify", "train", "a", "b", "--data", "cifar10"), "not on both"),
        (("classify", "train", "m.safetensors", "--held-out", "1"), "held-out=1.0"),
        (("classify", "train", "m.safetensors", "--width", "0"), "width=0"),
        (("classify", "train", "m.safetensors", "--image-size", "4"), "image_size=4"),
        (("classify", "train", "m.safetensors", "--epochs", "0"), "epochs=0"),
    ],
)
def test_mistakes_are_one_line(call, words, said, monkeypatch):
    monkeypatch.setattr("eigenlab.cli.classification_training.SHAPES", 100)
    shown = call(*words)
    assert shown.status == 2
    assert said in shown.err
    assert "Traceback" not in shown.err


def test_an_existing_model_is_not_replaced(call, folder, tmp_path):
    (tmp_path / "pictures.safetensors").write_text("precious")
    shown = call("classify", "train", "pictures", *QUICK)
    assert shown.status == 2
    assert "exists already" in shown.err
    assert (tmp_path / "pictures.safetensors").read_text() == "precious"


def test_after_ctrl_c_the_same_command_continues(call, start, folder, tmp_path):
    words = ("classify", "train", "pictures", "model.safetensors", *QUICK[2:], "--epochs", "30")
    process = start(*words)
    wait_for(tmp_path / "model.safetensors.checkpoint.json", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command continues" in err
    again = call(*words)
    assert again.status == 0, again.err
    assert "resumed after step" in again.err
    assert "held-out pictures are right" in again.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "pictures"]


def test_the_classifier_as_a_library(tmp_path):
    data, test = shapes32(300, seed=0), shapes32(60, seed=1)
    names = np.array(data.classes)[data.labels]
    model = ImageClassifier(width=4, n_epochs=2, tta="mirror", random_state=0)
    model.fit(data.images, names)
    again = ImageClassifier(width=4, n_epochs=2, tta="mirror", random_state=0)
    again.fit(data.images.numpy() / 255.0, names)
    probabilities = model.predict_proba(test.images)
    assert np.array_equal(probabilities, again.predict_proba(test.images))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(model.predict(test.images), model.classes_[probabilities.argmax(axis=1)])
    # Alone, mirrored, and after a file, an image is classified the same.
    assert model.predict_proba(test.images[3:4]) == pytest.approx(probabilities[3:4], abs=1e-6)
    assert model.predict_proba(test.images.flip(2)) == pytest.approx(probabilities, abs=1e-5)
    model.save(tmp_path / "model")
    loaded = ImageClassifier.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(test.images), probabilities)
    assert loaded.classes_.tolist() == sorted(data.classes)
    plain = torch.full((1, 32, 32, 3), 77, dtype=torch.uint8)
    wide = torch.full((1, 50, 90, 3), 77, dtype=torch.uint8)
    assert np.array_equal(model.predict_proba(wide), model.predict_proba(plain))
    grey = data.images.float().mean(-1) / 255
    model = ImageClassifier(width=4, n_epochs=0.5).fit(grey, data.labels)
    assert model.predict(grey).shape == (300,)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.zeros((4, 8)), [0, 1, 0, 1], "shape"),
        (np.zeros((4, 8, 8, 4)), [0, 1, 0, 1], "shape"),
        (np.full((4, 8, 8, 3), 200.0), [0, 1, 0, 1], "divide by 255"),
        (np.full((4, 8, 8, 3), np.nan), [0, 1, 0, 1], "divide by 255"),
        (np.zeros((4, 8, 8, 3), dtype=np.int32), [0, 1, 0, 1], "int32"),
        (["a.png"] * 4, [0, 1, 0, 1], "read_picture"),
        (np.zeros((4, 8, 8, 3)), [0, 1, 0], "one for each image"),
        (np.zeros((4, 8, 8, 3)), [0.5, 1.5, 0.5, 1.5], "strings or"),
        (np.zeros((4, 8, 8, 3)), ["a", "a", "a", "a"], "one class, 'a'"),
        (np.zeros((4, 8, 8, 3)), [3, 3, 3, 3], "one class, 3;"),
        (np.zeros((32, 32, 3)), [0, 1] * 16, r"one image in colour.*give X\[None\]"),
        (np.zeros((32, 32, 4)), [0, 1] * 16, r"give X\[None, \.\.\., :3\]"),
        (np.zeros((4, 8, 8, 3)), np.array(["a", None, "a", "b"], dtype=object), "None"),
    ],
)
def test_data_that_cannot_be_used(x, y, said):
    from eigenlab.errors import InputError

    with pytest.raises(InputError, match=said):
        ImageClassifier(width=4, n_epochs=1).fit(x, y)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"batch_size": 2.5}, r"batch_size=2\.5 must be an integer"),
        ({"image_size": 8}, "image_size=8"),
        ({"precision": "float8"}, "float8"),
        ({"device": "toaster"}, "toaster"),
    ],
)
def test_parameters_that_cannot_be_used(settings, said):
    from eigenlab.errors import InputError

    with pytest.raises(InputError, match=said):
        ImageClassifier(**settings).check_parameters()
    with pytest.raises(InputError, match=said):
        ImageClassifier(**settings).fit("no images", [])


def test_arrays_in_any_memory_are_the_same_images():
    x = shapes32(20, seed=0).images.numpy()
    model = ImageClassifier(width=4, n_epochs=1, random_state=0).fit(x, [0, 1] * 10)
    expected = model.predict_proba(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    same = [read_only, np.asfortranarray(x), x[::-1].copy()[::-1], (x / 255.0).astype(">f8")]
    for other in same:
        assert np.array_equal(model.predict_proba(other), expected)


def test_files_of_other_models_are_refused(tmp_path):
    from eigenlab.errors import InputError
    from eigenlab.training.storage import write_model

    write_model(tmp_path / "other", {"a": torch.zeros(1)}, format="something/1")
    with pytest.raises(InputError, match="something/1"):
        ImageClassifier.load(tmp_path / "other")
    write_model(
        tmp_path / "broken",
        {"mean": torch.zeros(3), "deviation": torch.ones(3)},
        format="eigenlab.vision.ImageClassifier/1",
        description='{"parameters": {}, "classes": ["a", "b"]}',
    )
    with pytest.raises(InputError, match="does not hold this version's"):
        ImageClassifier.load(tmp_path / "broken")
