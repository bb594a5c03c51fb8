"""Downloads into the cache: pooch streams, the catalogue's checksum decides, a rename places.

Each fetch works in a hidden folder of its own inside the cache and renames a file into place only
once its checksum is right. Processes that fetch at once do each other's work twice but never
harm: whoever renames last puts the same bytes there.
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
from eigenlab.data.lookup import cache_folder, fault, how_to_get
from eigenlab.errors import DataError
from eigenlab.reporter import SILENT, Reporter

_WORK = ".fetch-"
_STALE = 24 * 3600  # seconds after which the work folder of a killed fetch is cleared away
_TIMEOUT = 20  # seconds without an answer before the next mirror is tried


def fetch(name: str, *, reporter: Reporter = SILENT) -> Path:
    """Download what the cache lacks of dataset ``name`` and replace what is damaged there.

    Returns the dataset's folder. Raises :class:`~eigenlab.errors.DataError` when no mirror has
    the right files or the cache cannot be written, and
    :class:`~eigenlab.errors.Cancelled` when the reporter was cancelled; whatever arrived whole is
    kept, nothing else is.
    """
    item = dataset(name)
    if item.embedded:
        return Path(__file__).parent / item.embedded
    folder = cache_folder() / item.name
    wanted = [file for file in item.files if fault(file, folder / file.name)]
    reasons: list[str] = []
    if wanted:
        with _work_folder(cache_folder()) as work:
            for mirror in item.mirrors:
                reporter.message(f"fetching {name} from {_host(mirror)}")
                reasons += _take(mirror, wanted, work, folder, reporter)
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
def _work_folder(cache: Path) -> Iterator[Path]:
    """A folder of this fetch's own; any failure to write becomes one clear error."""
    work = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _clear_stale(cache)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=cache))
        yield work
    except OSError as error:
        raise DataError(
            f"the data cache {cache} cannot be written ({error.strerror}); set EIGENLAB_CACHE to a "
            "folder that you may write to, or EIGENLAB_DATA to a folder that holds the data"
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _clear_stale(cache: Path) -> None:
    for left in cache.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left)


def _take(
    mirror: Mirror, wanted: list[File], work: Path, folder: Path, reporter: Reporter
) -> list[str]:
    """Place every wanted file that ``mirror`` has; return the reasons why others are not placed."""
    if mirror.member is None:
        return [
            reason
            for file in wanted
            if (reason := _take_file(mirror, file, work, folder, reporter)) is not None
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


def _take_file(
    mirror: Mirror, file: File, work: Path, folder: Path, reporter: Reporter
) -> str | None:
    url = mirror.url.format(path=file.path, name=file.name)
    arrived = work / file.name
    return _download(url, arrived, reporter) or _place(file, arrived, folder, url)


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
    return _place(file, arrived, folder, f"{mirror.url}: {member}")


def _place(file: File, arrived: Path, folder: Path, source: str) -> str | None:
    problem = fault(file, arrived)
    if problem:
        arrived.unlink(missing_ok=True)
        return f"{source} {problem}"
    folder.mkdir(exist_ok=True)
    os.replace(arrived, folder / file.name)
    return None


def _download(url: str, target: Path, reporter: Reporter) -> str | None:
    """Stream ``url`` to ``target``; return the reason if that fails."""
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")  # the reporter tells the user, in its own way
    downloader = pooch.HTTPDownloader(
        progressbar=_Progress(reporter), chunk_size=1 << 16, timeout=_TIMEOUT
    )
    try:
        pooch.retrieve(
            url, known_hash=None, fname=target.name, path=target.parent, downloader=downloader
        )
    except (requests.RequestException, OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        return f"{url}: {_in_words(error)}"
    return None


def _in_words(error: Exception) -> str:
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
    """What pooch asks of a progress bar, handed to a reporter. Counts bytes."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter, self.total, self.done = reporter, 0, 0

    def update(self, count: int) -> None:
        self.reporter.raise_if_cancelled()
        self.done = min(self.done + count, self.total or self.done + count)
        self.reporter.progress(self.done, self.total or self.done, "bytes")

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Nothing to close."""
