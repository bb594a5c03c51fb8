import functools
import hashlib
import http.server
import threading

import pytest

from eigenlab.data import catalogue
from eigenlab.data.catalogue import Dataset, File, Mirror
from tongues import CONTENT, archive


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """Serve a folder on 127.0.0.1; yields (folder, base address)."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield folder, f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def register(monkeypatch):
    """Add a dataset ``tongues`` of two small files with the given mirrors."""

    def add(*mirrors):
        files = tuple(
            File(f"tongues/{name}", len(content), hashlib.sha256(content).hexdigest())
            for name, content in CONTENT.items()
        )
        item = Dataset("tongues", "Two languages.", "none", files, tuple(mirrors))
        monkeypatch.setattr(catalogue, "DATASETS", (*catalogue.DATASETS, item))
        return item

    return add


@pytest.fixture
def served_archive(server, cache, register):
    """The dataset as a zip archive on the local server, nothing in the cache yet."""
    folder, address = server
    (folder / "data.zip").write_bytes(archive(CONTENT))
    register(Mirror(f"{address}/data.zip", member="data/{path}"))
    return folder, address
