"""Downloads of datasets into the cache.

Each download writes to a temporary folder inside the cache. A file is moved into place, by an
atomic rename, once its checksum is right. Several processes may download the same dataset at the
same time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from eigenlab.data.catalogue import File, Mirror, dataset
from eigenlab.data.comparison import fault
from eigenlab.data.locations import cache_folder, embedded_folder, how_to_get
from eigenlab.errors import DataError
from eigenlab.reporter import SILENT, Reporter

_PREFIX = ".fetch-"
_MAX_AGE = 24 * 3600  # seconds after which the temporary folder of a killed download is removed
_TIMEOUT = 20  # seconds without an answer before the next mirror is tried


def fetch(name: str, *, reporter: Reporter = SILENT) -> Path:
    """Download the files of a dataset that are missing or damaged in the cache.

    Args:
        name: name of a dataset of the catalogue.
        reporter: receives progress in bytes and may cancel. Default: silent.

    Returns:
        The folder of the dataset.

    Raises:
        InputError: the dataset is unknown.
        DataError: no mirror has the right files, or the cache cannot be written.
        Cancelled: the reporter was cancelled. Files that were downloaded completely are kept.

    >>> fetch("names-mini").name
    'names_mini'
    """
    item = dataset(name)
    if item.embedded:
        return embedded_folder(item)
    folder = cache_folder() / item.name
    if not any(fault(file, folder / file.name) for file in item.files_in(folder)):
        return folder
    wanted = [file for file in item.files if fault(file, folder / file.name)]
    reasons: list[str] = []
    if wanted:
        with _temporary_folder(cache_folder()) as work:
            for mirror in item.mirrors:
                reporter.message(f"fetching {name} from {_host(mirror)}")
                reasons += _download_files(mirror, wanted, work, folder, reporter)
                wanted = [file for file in wanted if fault(file, folder / file.name)]
                if not wanted:
                    break
    if wanted:
        raise DataError(
            f"dataset '{name}' cannot be fetched: {'; '.join(reasons) or 'it has no mirror'}; "
            f"check the network, then {how_to_get(item)}"
        )
    return folder


@contextlib.contextmanager
def _temporary_folder(cache: Path) -> Iterator[Path]:
    """Create a temporary folder in the cache; turn a failure to write into a DataError."""
    work = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _remove_old_folders(cache)
        work = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache))
        yield work
    except OSError as error:
        raise DataError(
            f"the data cache {cache} cannot be written ({error.strerror}); set EIGENLAB_CACHE to a "
            "folder that you may write to, or EIGENLAB_DATA to a folder that holds the data"
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _remove_old_folders(cache: Path) -> None:
    for folder in cache.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _MAX_AGE:
                shutil.rmtree(folder)


def _download_files(
    mirror: Mirror, wanted: list[File], work: Path, folder: Path, reporter: Reporter
) -> list[str]:
    """Download the wanted files that ``mirror`` has; return the reasons of failures."""
    if mirror.member is None:
        return [
            reason
            for file in wanted
            if (reason := _download_file(mirror, file, work, folder, reporter)) is not None
        ]
    archive = work / "archive.zip"
    reason = _download(mirror.url, archive, reporter)
    if reason:
        return [reason]
    try:
        with zipfile.ZipFile(archive) as opened:
            reasons = [_extract(opened, mirror, file, work, folder) for file in wanted]
    except zipfile.BadZipFile:
        return [f"{mirror.url}: not a zip archive, or cut short"]
    finally:
        archive.unlink()
    return [reason for reason in reasons if reason]


def _download_file(
    mirror: Mirror, file: File, work: Path, folder: Path, reporter: Reporter
) -> str | None:
    url = mirror.url.format(path=file.path, name=file.name)
    arrived = work / file.name
    return _download(url, arrived, reporter) or _move_if_valid(file, arrived, folder, url)


def _extract(
    archive: zipfile.ZipFile, mirror: Mirror, file: File, work: Path, folder: Path
) -> str | None:
    assert mirror.member is not None
    member = mirror.member.format(path=file.path, name=file.name)
    arrived = work / file.name
    try:
        with archive.open(member) as source, arrived.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except KeyError:
        return f"{mirror.url}: has no {member}"
    return _move_if_valid(file, arrived, folder, f"{mirror.url}: {member}")


def _move_if_valid(file: File, arrived: Path, folder: Path, source: str) -> str | None:
    problem = fault(file, arrived)
    if problem:
        arrived.unlink(missing_ok=True)
        return f"{source} {problem}"
    folder.mkdir(exist_ok=True)
    os.replace(arrived, folder / file.name)
    return None


def _download(url: str, target: Path, reporter: Reporter) -> str | None:
    """Download ``url`` to ``target``; return the reason of a failure, or None."""
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")  # messages go through the reporter
    downloader = pooch.HTTPDownloader(
        progressbar=_Progress(reporter), chunk_size=1 << 16, timeout=_TIMEOUT
    )
    try:
        pooch.retrieve(
            url, known_hash=None, fname=target.name, path=target.parent, downloader=downloader
        )
    except (requests.RequestException, OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        return f"{url}: {_describe(error)}"
    return None


def _describe(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {_TIMEOUT} s"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return str(error) or type(error).__name__


def _host(mirror: Mirror) -> str:
    return mirror.url.partition("//")[2].partition("/")[0]


class _Progress:
    """A progress bar for pooch that calls a reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter, self.total, self.done = reporter, 0, 0

    def update(self, count: int) -> None:
        self.reporter.raise_if_cancelled()
        self.done = min(self.done + count, self.total or self.done + count)
        self.reporter.progress(self.done, self.total or self.done, "bytes")

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing."""
