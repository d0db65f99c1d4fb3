"""Fetching files from the network, and believing none of it.

A network fails in many ways: there is none, a host is gone, a host refuses, the line breaks
half-way, a byte arrives every second, or bytes without end, or a hotel's login page in place of the
data. So several *mirrors* hold the same files, and whoever has failed is asked last; nobody may take
as long or send as much as he likes; whatever arrives goes into an unfinished file first; and only when
its *checksum* (here MD5, a short number computed from every byte) is the known one does it become the
real file. MNIST's mirrors have gzipped the same data differently, so the checksum is that of the
unpacked bytes.
"""

import hashlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import BufferedWriter
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinygrad_edu.datasets.idx import idx_header, read_idx
from tinygrad_edu.support import check_writable, needed, replacing

_CHUNK = 1 << 16
_PATIENCE = 10  # a chunk may take that many times as long as an answer,
_WHOLE = 15  # and a whole file that many times as long as a chunk
_ROUNDS = 2  # how often every mirror is asked for a file

_failing: set[str] = set()  # mirrors that did not give a file, for the rest of this process


@dataclass(frozen=True)
class Source:
    """Where a data set of IDX files can be had, and how to know that it is the right one.

    `name` is what the data is called, `mirrors` are folders on the web that hold `<file>.gz` for each file,
    and `md5` has the MD5 checksum of each file once unpacked, by the file's name without .gz. A mirror must
    answer within `answer_within` seconds; without a connection, one waits that long. It may take ten times as
    long for 64 KB, and 150 times as long for a file. No file is longer than `at_most` bytes, unpacked or not.

    >>> Source("MNIST", ["https://example.org/mnist"], {"train-labels-idx1-ubyte": "a25b…"}).name
    'MNIST'
    """

    name: str
    mirrors: Sequence[str]
    md5: Mapping[str, str]
    answer_within: float = 4.0
    at_most: int = 1 << 26


class DataUnavailable(OSError):  # noqa: N818 (it names a state of the world, not a mistake)
    """Data that is not on this computer and could not be downloaded.

    `reason` says why, in a few words; `details`, with which the message goes on, what happened exactly, and
    what can be done.

    >>> error = DataUnavailable("no connection", "Place the files by hand")
    >>> error.reason, str(error)
    ('no connection', 'no connection. Place the files by hand')
    """

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}. {details}" if details else reason)
        self.reason, self.details = reason, details


def md5_of(array: NDArray[Any]) -> str:
    """Return the MD5 checksum of the unpacked IDX file that holds `array`, a uint8 array.

    >>> import numpy as np
    >>> md5_of(np.array([5, 0, 4], dtype=np.uint8))
    '3f3fbcdd087891e88cb09f277d370405'
    """
    digest = hashlib.md5(idx_header(array), usedforsecurity=False)
    digest.update(array.data)
    return digest.hexdigest()


def read_verified(source: Source, stem: str, path: Path) -> NDArray[Any]:
    """Read one file of `source` from `path`.

    Raises ValueError if it is not an IDX file, or not the known one; OSError if it cannot be opened.
    """
    array = read_idx(path, source.at_most)
    if (found := md5_of(array)) != source.md5[stem]:
        raise ValueError(
            f"{path}: is not the {stem} of {source.name}: the MD5 of its unpacked bytes is "
            f"{found}, not {source.md5[stem]}"
        )
    return array


def default_cache() -> Path:
    """Return the folder that keeps what was downloaded, inside the user's own cache folder.

    Raises DataUnavailable without pooch, which knows where that is.
    """
    return Path(_library("pooch").os_cache("tinygrad_edu")) / "mnist"


def _library(name: str) -> Any:
    try:
        with needed(name, "a download", extra="data"):
            return import_module(name)
    except ImportError as error:
        raise DataUnavailable(str(error)) from error


def fetch(source: Source, stems: Sequence[str], folder: Path) -> dict[str, NDArray[Any]]:
    """Download the files `stems` of `source` into `folder` as `<stem>.gz`, and return their arrays.

    Mirrors that do not answer within a few seconds are left out, and the others take turns until a
    file arrives whole; one that has failed comes last from then on. The first file that cannot be had
    ends it all. A progress bar shows when standard error is a terminal.

    Raises DataUnavailable if requests is not installed, no mirror answers, none gives the right file, or the
    folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stem in stems:
            check_writable(folder / f"{stem}.gz")
    except OSError as error:
        raise DataUnavailable(str(error)) from error
    answering = _answering(source, f"{stems[0]}.gz")
    return {stem: _fetch_one(source, stem, folder, answering) for stem in stems}


def _answering(source: Source, name: str) -> list[str]:
    """Return the mirrors that answer in time when asked for a file; all are asked at once.

    A firewall that swallows packets would let every address of every mirror run into its own
    timeout, one after the other. Threads bound the whole wait, and daemon threads do not hold up
    the exit. Raises DataUnavailable if no mirror answers.
    """
    requests = _library("requests")
    answered, failures = set(), {}

    def knock(mirror: str) -> None:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            requests.head(url, timeout=source.answer_within, allow_redirects=True)
            answered.add(mirror)
        except Exception as error:  # an address may be wrong in any way
            gone = isinstance(error, requests.ConnectionError | requests.Timeout)
            if not gone or isinstance(error, requests.exceptions.SSLError):
                failures[mirror] = f"{url}: {error}"

    deadline = time.monotonic() + source.answer_within
    threads = [threading.Thread(target=knock, args=(m,), daemon=True) for m in source.mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    found = [mirror for mirror in source.mirrors if mirror in answered]
    if not found and failures:
        said = "; ".join(failures.values())
        raise DataUnavailable("no mirror can be used", f"They said: {said}.")
    if not found:
        raise DataUnavailable("no connection to any mirror")
    return found


def _fetch_one(source: Source, stem: str, folder: Path, mirrors: Sequence[str]) -> NDArray[Any]:
    failures = []
    for mirror in sorted(mirrors, key=_failing.__contains__) * _ROUNDS:
        url = f"{mirror.rstrip('/')}/{stem}.gz"
        try:
            with replacing(folder / f"{stem}.gz") as unfinished:
                _receive(url, unfinished, source)
                unfinished.flush()
                array = read_verified(source, stem, Path(unfinished.name))
        except (OSError, ValueError) as error:  # refused, broken off, disk full; or not the file
            _failing.add(mirror)
            failures.append(f"{url}: {error}")
        else:
            _failing.discard(mirror)
            return array
    raise DataUnavailable(
        f"no mirror gave {stem} whole",
        f"They said: {'; '.join(dict.fromkeys(failures))}.",
    )


def _receive(url: str, file: BufferedWriter, source: Source) -> None:
    """Download into an open file; raise OSError for whatever goes wrong, or takes too long, or too much."""
    requests, urllib3 = _library("requests"), _library("urllib3")
    patience = _PATIENCE * source.answer_within
    timeout, begin, count = (source.answer_within, patience), time.monotonic(), 0
    with requests.get(url, stream=True, timeout=timeout) as response:
        response.raise_for_status()
        with _progress(response.headers.get("content-length", "")) as show:
            try:
                # read1 gives what has come so far: single bytes cannot keep it waiting for a whole chunk
                while piece := response.raw.read1(_CHUNK, decode_content=True):
                    count, elapsed = count + len(piece), time.monotonic() - begin
                    if count > source.at_most:
                        raise OSError(f"sends more than {source.at_most:,} bytes")
                    if elapsed > _WHOLE * patience or (elapsed > patience and count < _CHUNK):
                        raise TimeoutError(f"is too slow: {count:,} bytes in {elapsed:.0f} s")
                    file.write(piece)
                    show(len(piece))
            except urllib3.exceptions.HTTPError as error:
                raise OSError(str(error)) from error


@contextmanager
def _progress(length: str) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on a terminal; yield what tells it how many bytes more there are."""
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    if not (on_terminal and find_spec("tqdm")):
        yield lambda _: None
        return
    total = int(length) if length.isdecimal() else None
    with _library("tqdm").tqdm(total=total, ncols=79, unit="B", unit_scale=True) as bar:
        yield bar.update
