import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch

from eigenlab.data import dataset, path
from eigenlab.errors import DataError, InputError
from eigenlab.reporter import Reporter
from eigenlab.vision import cifar10 as module
from eigenlab.vision import load_cifar10, load_image_folder, read_picture, shapes32

pyarrow = pytest.importorskip("pyarrow")
Image = pytest.importorskip("PIL.Image")

COUNTS = {"train": 50, "test": 10}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Fifty training images instead of fifty thousand, and a cache of our own."""
    monkeypatch.setattr(module, "SIZES", COUNTS)
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path / "cache"))


def pixels(split: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(COUNTS[split])
    images = random.integers(256, size=(COUNTS[split], 32, 32, 3), dtype=np.uint8)
    return images, random.integers(10, size=COUNTS[split])


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def write_parquet(folder, split, shards):
    from pyarrow import parquet

    images, labels = pixels(split)
    parts = zip(np.array_split(images, shards), np.array_split(labels, shards), strict=True)
    for k, (x, y) in enumerate(parts):
        rows = [{"bytes": png(image), "path": None} for image in x]
        table = pyarrow.table({"img": rows, "label": y})
        parquet.write_table(table, folder / f"{split}-{k:05d}-of-{shards:05d}.parquet")


def binary(x: np.ndarray, y: np.ndarray) -> bytes:
    rows = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    return np.concatenate([y[:, None].astype(np.uint8), rows], axis=1).tobytes()


def pickled(x: np.ndarray, y: np.ndarray) -> bytes:
    rows = np.ascontiguousarray(x.transpose(0, 3, 1, 2).reshape(len(x), -1))
    record = {b"data": rows, b"labels": y.tolist(), b"batch_label": b"a batch"}
    return pickle.dumps(record, protocol=2)


def batches(kind):
    """Names and contents of the official files."""
    encode, suffix = (binary, ".bin") if kind == "binary" else (pickled, "")
    x, y = pixels("train")
    for k, (a, b) in enumerate(
        zip(np.array_split(x, 5), np.array_split(y, 5), strict=True), start=1
    ):
        yield f"data_batch_{k}{suffix}", encode(a, b)
    yield f"test_batch{suffix}", encode(*pixels("test"))


def write(root, layout):
    folder = root / "cifar10"
    folder.mkdir(parents=True)
    if layout == "parquet":
        write_parquet(folder, "train", 3)
        write_parquet(folder, "test", 1)
        return folder
    kind, place = layout.split("-")
    if place == "files":
        inner = folder / ("cifar-10-batches-bin" if kind == "binary" else "cifar-10-batches-py")
        inner.mkdir()
        for name, content in batches(kind):
            (inner / name).write_bytes(content)
    else:
        with tarfile.open(folder / f"cifar-10-{kind}.tar.gz", "w:gz") as archive:
            for name, content in reversed(list(batches(kind))):
                member = tarfile.TarInfo(f"cifar-10-batches/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return folder


LAYOUTS = ["parquet", "binary-files", "binary-archive", "python-files", "python-archive"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_images_twice(tmp_path, layout):
    write(tmp_path, layout)
    for split in ("train", "test"):
        images, labels = pixels(split)
        for _ in range(2):  # decoded, and from the cache
            data = load_cifar10(split, tmp_path)
            assert np.array_equal(data.images.numpy(), images)
            assert np.array_equal(data.labels.numpy(), labels)
            assert data.classes[0] == "airplane"
            assert data.classes[9] == "truck"


class Said(Reporter):
    def __init__(self):
        self.messages = []

    def message(self, text):
        self.messages.append(text)


def test_the_cache_is_used_for_the_same_files_only(tmp_path):
    folder = write(tmp_path, "binary-files") / "cifar-10-batches-bin"
    first, again = Said(), Said()
    load_cifar10("train", tmp_path, reporter=first)
    load_cifar10("train", tmp_path, reporter=again)
    assert "decoding" in first.messages[0]
    assert again.messages == []
    name = "data_batch_3.bin"
    changed = bytearray((folder / name).read_bytes())
    changed[1] ^= 255
    (folder / name).write_bytes(changed)
    other = load_cifar10("train", tmp_path)
    assert not np.array_equal(other.images.numpy(), pixels("train")[0])
    # A damaged cache is decoded again.
    cached = next((tmp_path / "cache").rglob("*train.safetensors"))
    content = bytearray(cached.read_bytes())
    content[-1] ^= 255
    cached.write_bytes(content)
    assert torch.equal(load_cifar10("train", tmp_path).images, other.images)
    cached.write_bytes(b"nothing")
    assert torch.equal(load_cifar10("train", tmp_path).images, other.images)


def test_an_unwritable_cache_is_said(tmp_path, monkeypatch):
    write(tmp_path, "binary-files")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path / "file"))
    said = Said()
    assert len(load_cifar10("test", tmp_path, reporter=said)) == 10
    assert "not kept" in said.messages[-1]


def test_a_missing_or_damaged_shard_is_named(tmp_path):
    folder = write(tmp_path, "parquet")
    shard = folder / "train-00001-of-00003.parquet"
    content = shard.read_bytes()
    shard.unlink()
    with pytest.raises(DataError, match=r"lacks train-00001-of-00003\.parquet"):
        load_cifar10("train", tmp_path)
    shard.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"train-00001-of-00003\.parquet is damaged"):
        load_cifar10("train", tmp_path)
    shard.write_bytes(content)
    (folder / "train-00000-of-00002.parquet").write_bytes(content)
    with pytest.raises(DataError, match="train-00001-of-00002"):
        load_cifar10("train", tmp_path)


def test_damaged_images_and_other_tables_are_named(tmp_path):
    from pyarrow import parquet

    folder = tmp_path / "cifar10"
    folder.mkdir()
    file = folder / "test-00000-of-00001.parquet"

    def refused(rows, said):
        parquet.write_table(pyarrow.table(rows), file)
        with pytest.raises(DataError, match=said):
            load_cifar10("test", tmp_path)

    good = png(pixels("test")[0][0])
    refused({"a": [1]}, "columns img.bytes and label")
    refused({"img": [{"bytes": good}, {"bytes": good[:60]}], "label": [0, 1]}, "row 1: the image")
    refused({"img": [{"bytes": None}], "label": [0]}, "row 0: the image")
    big = png(np.zeros((8, 16, 3), np.uint8))
    refused({"img": [{"bytes": big}], "label": [0]}, "16 x 8 pixels")
    deep = png(np.full((32, 32), 30000, np.uint16))
    refused({"img": [{"bytes": deep}], "label": [0]}, "row 0: .* expected 8 bits")
    refused({"img": [{"bytes": good}] * 3, "label": [0, 1, 2]}, "holds 3 images, expected 10")
    refused({"img": [{"bytes": good}] * 10, "label": [11] * 10}, "label 11")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (pyarrow.array([0.5, 1.9, 2.0] * 4), "type double, expected integers"),
        (pyarrow.array(["0", "1", "2"] * 4), "type string, expected integers"),
        (pyarrow.array([0, None, 2] * 4), "type int64 with 4 nulls"),
        (pyarrow.array([True, False, True] * 4), "type bool"),
        (pyarrow.array([None] * 12), "type null with 12 nulls"),
        (pyarrow.array([2**63] * 12, pyarrow.uint64()), "damaged"),
        (pyarrow.array([0] * 11 + [255], pyarrow.uint8()), "label 255; expected 0 to 9"),
    ],
)
def test_labels_that_are_no_integers_are_refused(tmp_path, monkeypatch, labels, said):
    from pyarrow import parquet

    monkeypatch.setattr(module, "SIZES", {"test": 12})
    (tmp_path / "cifar10").mkdir()
    rows = [{"bytes": png(pixels("test")[0][0])}] * 12
    file = tmp_path / "cifar10" / "test-00000-of-00001.parquet"
    parquet.write_table(pyarrow.table({"img": rows, "label": labels}), file)
    with pytest.raises(DataError, match=rf"test-00000-of-00001\.parquet.*{said}"):
        load_cifar10("test", tmp_path)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64"])
def test_labels_of_any_integer_type_are_read(tmp_path, monkeypatch, kind):
    from pyarrow import parquet

    monkeypatch.setattr(module, "SIZES", {"test": 3})
    (tmp_path / "cifar10").mkdir()
    labels = pyarrow.array([0, 9, 4], getattr(pyarrow, kind)())
    table = pyarrow.table({"img": [{"bytes": png(pixels("test")[0][0])}] * 3, "label": labels})
    parquet.write_table(table, tmp_path / "cifar10" / "test-00000-of-00001.parquet")
    assert load_cifar10("test", tmp_path).labels.tolist() == [0, 9, 4]


@pytest.mark.parametrize("kind", ["binary", "python"])
def test_damaged_official_files_are_named(tmp_path, kind):
    folder = write(tmp_path, f"{kind}-files")
    name = "data_batch_4" + (".bin" if kind == "binary" else "")
    file = next(folder.rglob(name))
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(DataError, match="data_batch_4"):
        load_cifar10("train", tmp_path)
    file.unlink()
    with pytest.raises(DataError, match="lacks data_batch_4"):
        load_cifar10("train", tmp_path)


def test_damaged_archives_are_named(tmp_path):
    folder = write(tmp_path, "python-archive")
    file = folder / "cifar-10-python.tar.gz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz"):
        load_cifar10("train", tmp_path)
    with tarfile.open(file, "w:gz"):
        pass
    with pytest.raises(DataError, match="lacks data_batch_1"):
        load_cifar10("train", tmp_path)


class Command:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_a_command_is_refused(tmp_path, protocol):
    folder = write(tmp_path, "python-files") / "cifar-10-batches-py"
    trace = tmp_path / "ran"
    record = {b"data": Command(trace), b"labels": []}
    (folder / "test_batch").write_bytes(pickle.dumps(record, protocol=protocol))
    with pytest.raises(DataError, match=r"system, which is not data"):
        load_cifar10("test", tmp_path)
    assert not trace.exists()


BYTES = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    "record",
    [
        [],
        {b"data": 3},
        {b"data": np.zeros((2, 3)), b"labels": [0]},
        {b"data": BYTES, b"labels": [0]},
        {b"data": BYTES, b"labels": [0.5, 1.9]},
        {b"data": BYTES, b"labels": ["0", "1"]},
        {b"data": BYTES, b"labels": [0, None]},
    ],
)
def test_other_pickles_are_refused(tmp_path, monkeypatch, record):
    monkeypatch.setattr(module, "SIZES", {"test": 2})
    folder = write(tmp_path, "python-files") / "cifar-10-batches-py"
    (folder / "test_batch").write_bytes(pickle.dumps(record, protocol=2))
    with pytest.raises(DataError, match="test_batch"):
        load_cifar10("test", tmp_path)


def test_an_empty_folder_and_an_unknown_split(tmp_path):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(DataError, match="holds no train images"):
        load_cifar10("train", tmp_path)
    with pytest.raises(InputError, match="split='valid'"):
        load_cifar10("valid", tmp_path)


def test_the_catalogue_compares_the_variant_that_is_there(tmp_path, monkeypatch):
    folder = write(tmp_path, "parquet")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    assert path("cifar10") == folder
    with pytest.raises(DataError, match=r"train-00000-of-00003\.parquet"):
        load_cifar10("train")  # not the published files
    item = dataset("cifar10")
    assert {len(files) for files in (item.files, *item.variants)} == {1, 4, 6}


def test_the_real_images(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path))
    if path("cifar10") is None or not os.environ.get("EIGENLAB_DATA"):
        pytest.skip("EIGENLAB_DATA holds no CIFAR-10")
    data = load_cifar10("test")
    assert data.labels.bincount().tolist() == [1000] * 10
    assert data.images.shape == (10_000, 32, 32, 3)


def test_shapes_are_balanced_seeded_and_distinct():
    data = shapes32(200, seed=4)
    assert data.labels.bincount().tolist() == [20] * 10
    assert torch.equal(shapes32(200, seed=4).images, data.images)
    assert not torch.equal(shapes32(200, seed=5).images, data.images)
    assert len(torch.unique(data.images.flatten(1), dim=0)) == 200
    with pytest.raises(InputError, match="n_images=0"):
        shapes32(0)


def test_outlines_are_signed_distances():
    from eigenlab.vision.shapes import SHAPES

    side = torch.linspace(-1.2, 1.2, 241, dtype=torch.float64)
    u, v = torch.meshgrid(side, side, indexing="xy")
    for name, shape in SHAPES.items():
        distance = shape(u, v)
        assert float(distance.min()) < -0.1, name
        assert float(distance[0].min()) > 0, name  # the shape lies within
        # Distances change by one unit per unit, so that borders are equally sharp; at most by
        # sqrt(2) where finite differences reach over a corner.
        slope = torch.hypot(*torch.gradient(distance, spacing=0.01))
        assert float(slope.max()) < 1.4143, name
        assert abs(float(slope.median()) - 1) < 0.01, name
        area = float((distance < 0).double().mean()) * 2.4**2
        assert 0.5 < area < 2.7, (name, area)


def make_folder(root):
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (root / name).mkdir(parents=True)
        for k, size in enumerate([(40, 30), (32, 32), (5, 9)]):
            suffix = ("png", "jpg", "bmp")[k]
            Image.new("RGB", size, colour).save(root / name / f"{k}.{suffix}")
    (root / "blue" / "notes.txt").write_text("not a picture")
    (root / "blue" / ".hidden.png").write_text("")
    (root / "empty").mkdir()


def test_a_folder_of_pictures(tmp_path):
    make_folder(tmp_path / "data")
    data = load_image_folder(tmp_path / "data", (16, 24))
    assert data.classes == ("blue", "red")
    assert data.images.shape == (6, 16, 24, 3)
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (data.images[0].float() - torch.tensor([0.0, 0.0, 255.0])).abs().max() < 3
    other = load_image_folder(tmp_path / "data", classes=["red", "green", "blue"])
    assert other.labels.tolist() == [2, 2, 2, 0, 0, 0]


def test_folders_that_are_not_of_classes(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        load_image_folder(tmp_path / "nowhere")
    (tmp_path / "loose").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "loose" / "a.png")
    with pytest.raises(InputError, match="in no class"):
        load_image_folder(tmp_path / "loose")
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="it has none"):
        load_image_folder(tmp_path / "none")
    make_folder(tmp_path / "data")
    with pytest.raises(InputError, match="class 'blue'"):
        load_image_folder(tmp_path / "data", classes=["red"])
    (tmp_path / "data" / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n junk")
    with pytest.raises(InputError, match=r"broken\.png"):
        load_image_folder(tmp_path / "data")


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"), "train"),
        (("Val/a/1.png", "Test/b/1.png"), "Test"),
        (("train/a/1.png", "test/1.png"), "train"),  # test images without labels
        (("train/a/1.png",), "train"),
        (("2019/a/1.png", "2019/b/1.png", "2020/a/1.png", "2020/b/1.png"), "2019"),
    ],
)
def test_parts_of_the_data_are_not_classes(tmp_path, names, given):
    put(tmp_path / "data", *names)
    with pytest.raises(InputError, match=rf"parts of the data.* such as .*data/{given}$"):
        load_image_folder(tmp_path / "data")


@pytest.mark.parametrize(
    "names",
    [
        ("cat/images/1.png", "dog/images/1.png"),
        ("cat/1.png", "cat/old/1.png", "dog/1.png", "dog/old/1.png"),
        ("train/1.png", "car/1.png"),  # vehicles
        ("train/1.png", "test/1.png"),
        ("train/1.png", "train/new/1.png", "train/old/1.png", "car/1.png"),
        ("cat/indoor/1.png", "cat/outdoor/1.png", "dog/indoor/1.png", "dog/1.png"),
    ],
)
def test_deeper_pictures_belong_to_the_class(tmp_path, names):
    put(tmp_path, *names)
    data = load_image_folder(tmp_path)
    assert data.classes == tuple(sorted({name.split("/")[0] for name in names}))
    assert len(data) == len(names)


def test_classes_and_what_is_skipped_are_said(tmp_path):
    make_folder(tmp_path / "data")
    put(tmp_path / "data", "loose.png", "red/.ipynb_checkpoints/0.png", ".trash/x/1.png")
    (tmp_path / "data" / "red" / "phone.HEIC").write_text("")
    (tmp_path / "data" / "red" / "README").write_text("")
    said = Said()
    assert len(load_image_folder(tmp_path / "data", reporter=said)) == 6
    assert said.messages == [
        "classes: blue, red",
        "skipped: 1 picture beside the class folders, 1 folder without pictures (empty), "
        "3 files of other kinds (.heic, .txt, no suffix)",
    ]
    clean = Said()
    put(tmp_path / "clean", *(f"c{k:02d}/1.png" for k in range(23)))
    load_image_folder(tmp_path / "clean", reporter=clean)
    assert len(clean.messages) == 1
    assert clean.messages[0].endswith("c18, c19 and 3 more")


def test_pictures_are_cut_turned_and_laid_on_white(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert bool((read_picture(tmp_path / "wide.png", 10) == 255).all())
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    assert bool((read_picture(tmp_path / "clear.png", 4) == 255).all())
    turned = Image.new("RGB", (4, 4))
    turned.paste((255, 0, 0), (0, 0, 4, 1))  # red on top
    exif = turned.getexif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "turned.png", exif=exif)
    assert read_picture(tmp_path / "turned.png", 4)[3, 0].tolist() == [255, 0, 0]
    grey = np.full((4, 4), 1000, np.uint16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert read_picture(tmp_path / "grey.png", 4).shape == (4, 4, 3)
    for name, content, said in (
        ("a.txt", b"text", "no picture"),
        ("b.png", b"", "no picture"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=said):
            read_picture(tmp_path / name, 4)
    with pytest.raises(InputError, match="does not exist"):
        read_picture(tmp_path / "gone.png", 4)
    with pytest.raises(InputError, match="size=0"):
        read_picture(tmp_path / "wide.png", 0)


@pytest.mark.parametrize("shape", [(40, 40), (64, 100), (90, 33), (300, 80), (10, 21)])
@pytest.mark.parametrize("size", [(32, 32), (16, 24)])
def test_scaling_is_that_of_pillow(tmp_path, shape, size):
    """Pillow's own fit() cuts by fractions of a pixel; here the box is of whole pixels."""
    from eigenlab.vision.scaling import crop_and_scale

    pixels = np.random.default_rng(0).integers(256, size=(*shape, 3), dtype=np.uint8)
    found = crop_and_scale(torch.from_numpy(pixels)[None], size)[0]
    rows = min(shape[0], round(shape[1] * size[0] / size[1]))
    columns = min(shape[1], round(shape[0] * size[1] / size[0]))
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    cut = Image.fromarray(pixels).crop((left, top, left + columns, top + rows))
    expected = cut.resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.abs(found.numpy().astype(int) - np.asarray(expected).astype(int)).max() <= 1
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert torch.equal(read_picture(tmp_path / "a.png", size), found)


def test_grey_of_more_bits_is_the_same_picture(tmp_path):
    """The 8-bit picture is the reference; v / 255 = 257 v / 65535."""
    grey = np.random.default_rng(0).integers(256, size=(9, 9), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "8.png")
    expected = read_picture(tmp_path / "8.png", 9).numpy()
    assert np.array_equal(expected, np.repeat(grey[..., None], 3, axis=2))
    fine = grey.astype(np.uint16) * 257
    Image.fromarray(fine).save(tmp_path / "16.png")
    Image.fromarray(fine).save(tmp_path / "16.tif")
    Image.fromarray(fine.astype(np.int32)).save(tmp_path / "32.tif")
    Image.fromarray((grey / 255).astype(np.float32)).save(tmp_path / "float.tif")
    for name in ("16.png", "16.tif", "32.tif", "float.tif"):
        assert np.array_equal(read_picture(tmp_path / name, 9).numpy(), expected), name
    between = np.random.default_rng(1).integers(65536, size=(9, 9)).astype(np.uint16)
    Image.fromarray(between).save(tmp_path / "between.png")
    found = read_picture(tmp_path / "between.png", 9).numpy()[..., 0] / 255.0
    assert np.abs(found - between / 65535.0).max() <= 0.5 / 255 + 1e-12


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((4, 4), 70000, np.int32), "from 70000 to 70000, expected 0 to 65535"),
        (np.full((4, 4), -3, np.int32), "from -3 to -3, expected 0 to 65535"),
        (np.full((4, 4), 200.0, np.float32), "from 200 to 200, expected 0 to 1"),
        (np.full((4, 4), np.nan, np.float32), "from nan to nan, expected 0 to 1"),
    ],
)
def test_grey_beyond_its_range_is_refused(tmp_path, values, said):
    Image.fromarray(values).save(tmp_path / "grey.tif")
    with pytest.raises(InputError, match=rf"grey\.tif has grey values {said}"):
        read_picture(tmp_path / "grey.tif", 4)


def test_every_8_bit_mode_is_read_and_others_are_refused(tmp_path):
    colour = Image.new("RGB", (4, 4), (255, 255, 255))
    for mode, suffix in (("1", "png"), ("L", "png"), ("LA", "png"), ("P", "png"), ("CMYK", "jpg")):
        colour.convert(mode).save(tmp_path / f"{mode}.{suffix}")
        assert bool((read_picture(tmp_path / f"{mode}.{suffix}", 4) >= 254).all()), mode
    colour.convert("YCbCr").save(tmp_path / "y.jpg")
    assert bool((read_picture(tmp_path / "y.jpg", 4) == 255).all())
    Image.new("LAB", (4, 4)).save(tmp_path / "lab.tif")
    with pytest.raises(InputError, match="mode 'LAB'"):
        read_picture(tmp_path / "lab.tif", 4)


def test_hashes_of_the_shared_files_are_those_of_the_catalogue():
    found = path("cifar10") if os.environ.get("EIGENLAB_DATA") else None
    if found is None:
        pytest.skip("EIGENLAB_DATA holds no CIFAR-10")
    item = dataset("cifar10")
    for file in item.files_in(found):
        with file.located(found).open("rb") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
