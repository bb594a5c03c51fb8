"""The catalogue of datasets. To add a dataset, add it to :data:`DATASETS`.

Files are stored as ``<dataset>/<file>`` in a data folder, such as ``$EIGENLAB_DATA``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eigenlab.errors import InputError, nearest


@dataclass(frozen=True)
class File:
    """A file of a dataset.

    Args:
        path: path in the data folder, ``<dataset>/<file>``.
        size: size in bytes.
        sha256: SHA-256 checksum, 64 hexadecimal digits.
        plain: size and checksum of the decompressed file, which may take its place. Default:
            ``None``, it may not.
    """

    path: str
    size: int
    sha256: str
    plain: tuple[int, str] | None = None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def spellings(self) -> tuple[str, ...]:
        """Names under which other programs keep the file, in the order they are looked for.

        torchvision keeps MNIST with and without ``.gz``; Kaggle with a point for a hyphen, or in a
        folder of the file's own name.
        """
        if self.plain is None:
            return (self.name,)
        plain = self.name.removesuffix(".gz")
        dotted = plain.replace("-idx", ".idx")
        folders = (f"{plain}/{plain}", f"{plain}/{dotted}", f"{dotted}/{dotted}")
        return (self.name, plain, f"{dotted}.gz", dotted, *folders)

    def located(self, folder: Path) -> Path:
        """The file in ``folder`` under the first name that is there, else under its own."""
        places = [folder / spelling for spelling in self.spellings]
        return next((place for place in places if place.is_file()), places[0])


@dataclass(frozen=True)
class Mirror:
    """A place to download from.

    In ``url`` and ``member``, ``{path}`` and ``{name}`` stand for the path and name of a file.

    Args:
        url: address of a file, or of a zip archive if ``member`` is given.
        member: name of a file inside the archive. Default: ``None``, ``url`` is not an archive.
    """

    url: str
    member: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset of the catalogue.

    Args:
        name: name in commands and folders.
        description: one sentence.
        licence: terms of use.
        files: its files. Default: ``()``.
        mirrors: places to download from, tried in order until every file has the right checksum.
            Default: ``()``.
        embedded: folder inside this package that holds the data, which then needs neither files
            nor mirrors. Default: ``None``.
        layouts: further folders, below a data folder, in which other programs keep the files.
            Default: ``()``.
        patterns: names of its files, as globs: a folder that holds one is the dataset's.
            Default: ``()``.
        variants: other sets of files with the same data; any one set is enough. ``files`` is what
            is downloaded. Default: ``()``.
    """

    name: str
    description: str
    licence: str
    files: tuple[File, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    embedded: str | None = None
    layouts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    variants: tuple[tuple[File, ...], ...] = ()

    @property
    def size(self) -> int:
        """Total size of the files in bytes; 0 for an embedded dataset."""
        return sum(file.size for file in self.files)

    def files_in(self, folder: Path) -> tuple[File, ...]:
        """The set of files that ``folder`` holds at least in part, else ``files``.

        Args:
            folder: where they are looked for.
        """
        for files in (self.files, *self.variants):
            if any(file.located(folder).is_file() for file in files):
                return files
        return self.files


DATASETS = (
    Dataset(
        name="names-mini",
        description="Common surnames by language, part of eigenlab.",
        licence="Apache-2.0",
        embedded="names_mini",
    ),
    Dataset(
        name="names",
        description="20,074 surnames in 18 languages, from the PyTorch character-RNN tutorial.",
        licence="Published with the PyTorch tutorials (BSD-3-Clause); the lists' origin is not "
        "documented.",
        mirrors=(Mirror("https://download.pytorch.org/tutorial/data.zip", member="data/{path}"),),
        files=(
            File(
                "names/Arabic.txt",
                13190,
                "6f424a8dbe51cbbbabab7a57d38b617210125e4e3991f3c657cb79b8f104bafc",
            ),
            File(
                "names/Chinese.txt",
                1247,
                "49263ef55a8cb1740e841d65cad8214b2f9b5b869bc534c811746422496fa91e",
            ),
            File(
                "names/Czech.txt",
                3919,
                "145bbbd6d0816578f03388e92c264d39ef1c60df920b081d371fa5c5cc055a8e",
            ),
            File(
                "names/Dutch.txt",
                2351,
                "924f32b635170eae561f84538632138fc07d4c8bbd70ba3fb980de1ecc4d2af3",
            ),
            File(
                "names/English.txt",
                27125,
                "9cca037066d3d5989e24bc01801416162de506b5e28e15b7c092a47905d29bf2",
            ),
            File(
                "names/French.txt",
                2178,
                "81e65b36c60ed5b89a17422f6edcadbb89546f38ad69e960e64e7ba682012a95",
            ),
            File(
                "names/German.txt",
                5610,
                "7449cd590b97a733e18d613a4155decd77ec35dc5f8aadd7a82204dce4f051db",
            ),
            File(
                "names/Greek.txt",
                1981,
                "3555b5186de7f401e6d991b088e9e644ca3099116477818c25ab5793801389e6",
            ),
            File(
                "names/Irish.txt",
                1858,
                "cf8c7013256252a88d2503127b87282a11f21b2ff6db1bded68834c19a1ec058",
            ),
            File(
                "names/Italian.txt",
                5657,
                "f88414c27d0606a11a678b4859277828c2565d6cc4d9ee932deef6e94f3b35e4",
            ),
            File(
                "names/Japanese.txt",
                7622,
                "e0e717e114fec3e7eade4d9dabe0067c475f43147e36a22b47902ee76ad9e67f",
            ),
            File(
                "names/Korean.txt",
                423,
                "cd54221ccb362a6cba4c78828838cf3268a0e59744767a37cf6ec4b74036b136",
            ),
            File(
                "names/Polish.txt",
                1165,
                "45bab898af2f60ed3a728bbf6980e28821011a7caa53227553b5785903a40826",
            ),
            File(
                "names/Portuguese.txt",
                554,
                "50a8735f41f4f73757c8ce5b16cb0275cd86b2b214bcbc8c9805f508cb131c53",
            ),
            File(
                "names/Russian.txt",
                85605,
                "43b3e64ce351f77f1ac9e0cdf7566012d127f4371875fd25208845b5c9d6f7c3",
            ),
            File(
                "names/Scottish.txt",
                752,
                "78d0252711d87d948ea86fe34826c51d2d794a8e52d15b5d6f7b6244d45d62dd",
            ),
            File(
                "names/Spanish.txt",
                2284,
                "1bcb462ed3316756a85781d68232bddae04498fdddd5d9219c53fd1fbdeba7a7",
            ),
            File(
                "names/Vietnamese.txt",
                339,
                "4761c0de374ebdfd7dea7faa6fbac707d96cad9a6fc91d3626c462cbd08b6c76",
            ),
        ),
    ),
    Dataset(
        name="mnist",
        description="70,000 handwritten digits, 28 x 28 grey levels: 60,000 to train, 10,000 to "
        "test.",
        layouts=("MNIST/raw", "MNIST", "raw"),  # those of torchvision
        patterns=("*-*[-.]idx[13]-ubyte*",),
        licence="CC BY-SA 3.0 (Y. LeCun and C. Cortes, from NIST's special databases 1 and 3)",
        mirrors=(
            Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/{name}"),
            Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/{name}"),
        ),
        files=(
            File(
                "mnist/train-images-idx3-ubyte.gz",
                9630610,
                "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
                (
                    47040016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
            ),
            File(
                "mnist/train-labels-idx1-ubyte.gz",
                28878,
                "fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e",
                (
                    60008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
            ),
            File(
                "mnist/t10k-images-idx3-ubyte.gz",
                1602050,
                "5634745efa576a17e7d4cf5cd9d09123c75e6538e5114267c2d156edaf519341",
                (
                    7840016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
            ),
            File(
                "mnist/t10k-labels-idx1-ubyte.gz",
                4517,
                "ae18e77e031ccde52407f794d123116439864147d33ac992975f85dd4dc42af6",
                (
                    10008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
        ),
    ),
    Dataset(
        name="cifar10",
        description="60,000 colour images, 32 x 32, in 10 classes: 50,000 to train, 10,000 to test "
        "(Krizhevsky 2009).",
        licence="No licence is stated; cite A. Krizhevsky, Learning multiple layers of features "
        "from tiny images (2009).",
        layouts=("cifar-10-batches-bin",),
        patterns=(
            "data_batch_*.bin",
            "train-*-of-*.parquet",
            "cifar-10-binary.tar.gz",
            "cifar-10-python.tar.gz",
        ),
        mirrors=(Mirror("https://www.cs.toronto.edu/~kriz/{name}"),),
        files=(
            File(
                "cifar10/cifar-10-binary.tar.gz",
                170052171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        variants=(
            (
                File(
                    "cifar10/cifar-10-python.tar.gz",
                    170498071,
                    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                ),
            ),
            (
                File(
                    "cifar10/train-00000-of-00003.parquet",
                    37085551,
                    "8e58fe1ea309e41d7b57a4b065be90e9618e910d7e6c5835508ed6994356d6cf",
                ),
                File(
                    "cifar10/train-00001-of-00003.parquet",
                    36974805,
                    "e8391b7ec3c6c84d28a6b8e75051b749d18202f7d1bf5ce29686d2db26f6b210",
                ),
                File(
                    "cifar10/train-00002-of-00003.parquet",
                    37066523,
                    "763187a161bab24e5e5e5cb4fc5600f946bb3c3c0a13e453ad107e82b377deb4",
                ),
                File(
                    "cifar10/test-00000-of-00001.parquet",
                    22229260,
                    "0495aeda8408b62be0be4bcb83542b99a7876571f1d50c7570f5ebf3ba7b3aa1",
                ),
            ),
            (
                File(
                    "cifar10/data_batch_1.bin",
                    30730000,
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                ),
                File(
                    "cifar10/data_batch_2.bin",
                    30730000,
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                ),
                File(
                    "cifar10/data_batch_3.bin",
                    30730000,
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                ),
                File(
                    "cifar10/data_batch_4.bin",
                    30730000,
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                ),
                File(
                    "cifar10/data_batch_5.bin",
                    30730000,
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                ),
                File(
                    "cifar10/test_batch.bin",
                    30730000,
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ),
            ),
        ),
    ),
    Dataset(
        name="spa-eng",
        description="118,964 English-Spanish sentence pairs, from Tatoeba by way of "
        "manythings.org/anki.",
        licence="CC BY 2.0 (attribution: www.manythings.org/anki and tatoeba.org)",
        files=(
            File(
                "spa-eng/spa-eng.zip",
                2767131,
                "f80e581ae291aa34dd3aba7bd98b5e9505234da4318e2f3295df70a1520c7f61",
            ),
        ),
    ),
    Dataset(
        name="multi30k",
        description="30,014 image captions in English, German and French, and two test sets of "
        "1,000 (Elliott et al. 2016).",
        licence="For research; the captions describe images of Flickr30k, which has terms of its "
        "own.",
        mirrors=(
            Mirror(
                "https://raw.githubusercontent.com/multi30k/dataset/"
                "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/{name}"
            ),
        ),
        files=(
            File(
                "multi30k/train.en.gz",
                568929,
                "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
            ),
            File(
                "multi30k/train.de.gz",
                637044,
                "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
            ),
            File(
                "multi30k/train.fr.gz",
                604242,
                "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
            ),
            File(
                "multi30k/val.en.gz",
                21650,
                "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
            ),
            File(
                "multi30k/val.de.gz",
                24681,
                "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
            ),
            File(
                "multi30k/val.fr.gz",
                23001,
                "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
            ),
            File(
                "multi30k/test_2016_flickr.en.gz",
                21077,
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
            ),
            File(
                "multi30k/test_2016_flickr.de.gz",
                22890,
                "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
            ),
            File(
                "multi30k/test_2016_flickr.fr.gz",
                22310,
                "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
            ),
            File(
                "multi30k/test_2017_flickr.en.gz",
                19138,
                "76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074",
            ),
            File(
                "multi30k/test_2017_flickr.de.gz",
                21471,
                "a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee",
            ),
            File(
                "multi30k/test_2017_flickr.fr.gz",
                20434,
                "3ba671ceb2299f3304ffafefea7a833d08632fbaf0ba18546f8a2ec2391af496",
            ),
        ),
    ),
)


def datasets() -> tuple[Dataset, ...]:
    """Return all datasets of the catalogue, the embedded ones first.

    >>> [item.name for item in datasets()]
    ['names-mini', 'names', 'mnist', 'cifar10', 'spa-eng', 'multi30k']
    """
    return DATASETS


def dataset(name: str) -> Dataset:
    """Return the dataset called ``name``.

    Raises:
        InputError: there is no such dataset.

    >>> len(dataset("names").files)
    18
    """
    known = {item.name: item for item in datasets()}
    if name not in known:
        raise InputError(
            f"dataset '{name}' is unknown{nearest(name, known)}; known: {', '.join(known)}"
        )
    return known[name]
