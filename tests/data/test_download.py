import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eigenlab.data import Mirror, fetch, find, verify
from eigenlab.errors import Cancelled, DataError
from eigenlab.reporter import Reporter
from tongues import CONTENT, archive


def content_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def names_in(cache):
    return sorted(entry.name for entry in cache.iterdir())


def test_an_archive_is_fetched_and_no_other_file_is_left(served_archive, cache):
    assert find("tongues") == cache / "tongues"
    assert content_of(cache / "tongues") == CONTENT
    assert verify("tongues") == []
    assert names_in(cache) == ["tongues"]


def test_single_files_are_fetched_by_path_or_name(server, cache, register):
    folder, address = server
    for name, payload in CONTENT.items():
        (folder / name).write_bytes(payload)
    register(Mirror(address + "/{name}"))
    assert content_of(fetch("tongues")) == CONTENT
    assert names_in(cache) == ["tongues"]


def test_progress_counts_bytes_to_the_end(served_archive, cache):
    class Recorder(Reporter):
        seen, messages = [], []

        def progress(self, done, total, message=""):
            self.seen.append((done, total, message))

        def message(self, text):
            self.messages.append(text)

    fetch("tongues", reporter=Recorder())
    size = (served_archive[0] / "data.zip").stat().st_size
    assert Recorder.seen[-1] == (size, size, "bytes")
    assert Recorder.messages[0].startswith("fetching tongues from 127.0.0.1")


def test_a_dataset_in_the_cache_is_not_downloaded_again(served_archive, cache):
    fetch("tongues")
    (served_archive[0] / "data.zip").unlink()
    assert fetch("tongues") == cache / "tongues"


def test_fetch_replaces_only_what_is_wrong(served_archive, cache):
    fetch("tongues")
    whole, broken = cache / "tongues" / "Elvish.txt", cache / "tongues" / "Dwarvish.txt"
    before = whole.stat().st_ino
    broken.write_bytes(b"Gimli\n")
    with pytest.raises(DataError, match=r"Dwarvish\.txt is truncated.*`eigenlab data fetch tong"):
        find("tongues")
    fetch("tongues")
    assert content_of(cache / "tongues") == CONTENT
    assert whole.stat().st_ino == before


def test_an_open_file_is_not_changed_by_its_replacement(served_archive, cache):
    """The file is replaced by a rename, so an open file keeps its old content."""
    (cache / "tongues").mkdir(parents=True)
    (cache / "tongues" / "Elvish.txt").write_bytes(b"old\n")
    with (cache / "tongues" / "Elvish.txt").open("rb") as reader:
        fetch("tongues")
        assert reader.read() == b"old\n"
    assert content_of(cache / "tongues") == CONTENT


def test_two_nested_downloads_both_succeed(served_archive, cache):
    """The second one begins and ends while the first is downloading."""

    class Rival(Reporter):
        done = False

        def progress(self, done, total, message=""):
            if not self.done:
                self.done = True
                fetch("tongues")
                assert content_of(cache / "tongues") == CONTENT

    rival = Rival()
    fetch("tongues", reporter=rival)
    assert rival.done
    assert content_of(cache / "tongues") == CONTENT
    assert names_in(cache) == ["tongues"]


def test_mirrors_are_tried_in_order_for_the_remaining_files(server, cache, register):
    """The first has no file, the second one right and one wrong file, the third the other."""
    folder, address = server
    for sub, elvish in (("two", CONTENT["Elvish.txt"]), ("three", b"not read")):
        (folder / sub).mkdir()
        (folder / sub / "Elvish.txt").write_bytes(elvish)
    (folder / "two" / "Dwarvish.txt").write_bytes(b"Gimli\n")
    (folder / "three" / "Dwarvish.txt").write_bytes(CONTENT["Dwarvish.txt"])
    register(*(Mirror(f"{address}/{sub}/{{name}}") for sub in ("one", "two", "three")))
    assert content_of(fetch("tongues")) == CONTENT


def test_every_reason_is_reported_and_no_wrong_file_is_kept(server, cache, register):
    folder, address = server
    (folder / "bad.zip").write_bytes(archive(CONTENT)[:-10])
    (folder / "other.zip").write_bytes(archive({"Elvish.txt": b"Elrond\n"}))
    register(
        Mirror(f"{address}/none.zip", member="data/{path}"),
        Mirror(f"{address}/bad.zip", member="data/{path}"),
        Mirror(f"{address}/other.zip", member="data/{path}"),
        Mirror("http://127.0.0.1:9/{name}"),
    )
    with pytest.raises(DataError) as caught:
        fetch("tongues")
    for reason in (
        "none.zip: answered 404",
        "bad.zip: not a zip archive, or cut short",
        "Elvish.txt is truncated: 7 bytes",
        "other.zip: has no data/tongues/Dwarvish.txt",
        "127.0.0.1:9/Elvish.txt: cannot be reached",
        "`eigenlab data fetch tongues`",
        "EIGENLAB_DATA",
    ):
        assert reason in str(caught.value)
    assert names_in(cache) == []


def test_a_cancelled_download_leaves_no_file(served_archive, cache):
    reporter = Reporter()
    reporter.cancel()
    with pytest.raises(Cancelled):
        fetch("tongues", reporter=reporter)
    assert names_in(cache) == []


def test_temporary_folders_are_removed_after_a_day(served_archive, cache):
    old, recent = cache / ".fetch-old", cache / ".fetch-recent"
    for folder in (old, recent):
        folder.mkdir(parents=True)
        (folder / "archive.zip").write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    fetch("tongues")
    assert names_in(cache) == [".fetch-recent", "tongues"]


def test_a_cache_that_cannot_be_written_is_an_error(served_archive, tmp_path, monkeypatch):
    """A path below a regular file cannot be made, not even by a superuser."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cache .* cannot be written .*set EIGENLAB_CACHE"):
        fetch("tongues")


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser may write anywhere")
def test_a_read_only_cache_is_an_error(served_archive, cache):
    cache.mkdir()
    cache.chmod(0o500)
    with pytest.raises(DataError, match="Permission denied"):
        fetch("tongues")
    cache.chmod(0o700)


def test_an_embedded_dataset_needs_no_fetch():
    assert fetch("names-mini") == find("names-mini")


FETCHER = """
import sys
from eigenlab.data import catalogue, fetch
from eigenlab.data.catalogue import Dataset, File, Mirror

address, start, files = sys.argv[1], sys.argv[2], eval(sys.argv[3])
catalogue.DATASETS = (Dataset("tongues", ".", "-", tuple(File(*f) for f in files),
                              (Mirror(address + "/data.zip", member="data/{path}"),)),)
import os, time
open(start + "." + str(os.getpid()), "w").close()
while not os.path.exists(start):
    time.sleep(0.001)
fetch("tongues")
"""


def test_two_processes_can_download_at_the_same_time(server, cache):
    """Both start at the same time and download 40 files; every file must be complete."""
    folder, address = server
    content = {f"{i:02d}.txt": os.urandom(20_000) for i in range(40)}
    (folder / "data.zip").write_bytes(archive(content))
    files = [
        (f"tongues/{name}", len(payload), hashlib.sha256(payload).hexdigest())
        for name, payload in content.items()
    ]
    start = folder.parent / "start"
    command = [sys.executable, "-c", FETCHER, address, str(start), repr(files)]
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    while len(list(folder.parent.glob("start.*"))) < 2 and all(p.poll() is None for p in running):
        time.sleep(0.005)
    Path(start).touch()
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert content_of(cache / "tongues") == content
    assert names_in(cache) == ["tongues"]


def test_a_killed_fetch_leaves_no_file_in_the_dataset(server, cache):
    """The server stops in the middle of the archive; the process is killed while it waits."""
    import socket
    import threading

    payload = archive(CONTENT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        halfway, release = threading.Event(), threading.Event()

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(payload)}\r\n\r\n".encode()
                connection.sendall(head + payload[: len(payload) // 2])
                halfway.set()
                release.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        files = [
            (f"tongues/{name}", len(content), hashlib.sha256(content).hexdigest())
            for name, content in CONTENT.items()
        ]
        start = cache.parent / "start"
        start.touch()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-c", FETCHER, address, str(start), repr(files)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        assert halfway.wait(60)
        process.kill()
        process.wait()
        release.set()
        thread.join()
    assert not (cache / "tongues").exists()
    assert all(name.startswith(".fetch-") for name in names_in(cache))
