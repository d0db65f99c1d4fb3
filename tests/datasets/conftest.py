"""A tiny data set in MNIST's four files, and real web servers on this computer that hand it out."""

import gzip
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.datasets.download import Source
from tinygrad_edu.datasets.idx import write_idx


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    """No test sees the user's data folder, or talks to 127.0.0.1 by way of a proxy."""
    monkeypatch.delenv("TINYGRAD_EDU_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": rng.integers(0, 256, (30, 4, 5), dtype=np.uint8),
        "train-labels-idx1-ubyte": rng.integers(0, 10, 30, dtype=np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (10, 4, 5), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": rng.integers(0, 10, 10, dtype=np.uint8),
    }


@pytest.fixture
def folder(tmp_path, arrays) -> Path:
    """A folder that holds the tiny data set, gzipped."""
    folder = tmp_path / "data"
    folder.mkdir()
    for stem, array in arrays.items():
        write_idx(folder / f"{stem}.gz", array)
    return folder


@pytest.fixture
def source(folder) -> Callable[..., Source]:
    """Make a `Source` of the tiny data set from the addresses of its mirrors."""
    md5 = {
        path.stem: hashlib.md5(gzip.decompress(path.read_bytes())).hexdigest()
        for path in sorted(folder.iterdir())
    }

    def make(*mirrors: str) -> Source:
        return Source("Tiny", mirrors, md5, answer_within=2.0)

    return make


class Mirror(ThreadingHTTPServer):
    """Hands out a folder; `trouble(request, name)` may answer in its place and return True."""

    daemon_threads = True

    def __init__(self, folder, trouble=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.trouble = trouble
        self.head = None  # answers in place of a plain yes, when asked whether it is there
        self.stopping = threading.Event()
        self.asked = Counter()  # how often each file was downloaded
        self.address = f"http://127.0.0.1:{self.server_port}/tiny"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_HEAD(self):
        if self.server.head is not None:
            self.server.head(self, self.path)
            return
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.asked[name] += 1
        if self.server.trouble is None or not self.server.trouble(self, name):
            self.give((self.server.folder / name).read_bytes())

    def give(self, body, length=None, **headers):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(folder) -> Iterator[Callable[..., Mirror]]:
    """Start mirrors: `mirror()` is a good one, `mirror(trouble)` misbehaves."""
    running = []

    def start(trouble=None):
        server = Mirror(folder, trouble)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stopping.set()
        server.shutdown()
        server.server_close()
