"""Fetching files from the network, and believing none of it.

A network fails in many ways: there is none, a host is gone, a host refuses, the line breaks
half-way, a hotel's login page arrives in place of the data. So several *mirrors* hold the same
files; whatever arrives goes into an unfinished file first; and only when its *checksum* (here MD5,
a short number computed from every byte) is the known one does it become the real file. MNIST's
mirrors have gzipped the same data differently, so the checksum is that of the unpacked bytes.
"""

import hashlib
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinygrad_edu.datasets.idx import idx_header, read_idx
from tinygrad_edu.support import needed, replacing

_SILENCE = 20.0  # seconds without a byte in the middle of a file
_ROUNDS = 2  # how often every mirror is asked for a file


@dataclass(frozen=True)
class Source:
    """Where a data set of IDX files can be had, and how to know that it is the right one.

    `name` is what the data is called, `mirrors` are folders on the web that hold `<file>.gz` for each file,
    and `md5` has the MD5 checksum of each file once unpacked, by the file's name without .gz. A mirror must
    answer within `answer_within` seconds; without a connection, one waits that long.

    >>> Source("MNIST", ["https://example.org/mnist"], {"train-labels-idx1-ubyte": "a25b…"}).name
    'MNIST'
    """

    name: str
    mirrors: Sequence[str]
    md5: Mapping[str, str]
    answer_within: float = 4.0


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
    array = read_idx(path)
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
    return Path(_pooch().os_cache("tinygrad_edu")) / "mnist"


def _pooch() -> Any:
    try:
        with needed("pooch", "a download", extra="data"):
            import pooch
    except ImportError as error:
        raise DataUnavailable(str(error)) from error
    return pooch


def fetch(source: Source, stems: Sequence[str], folder: Path) -> dict[str, NDArray[Any]]:
    """Download the files `stems` of `source` into `folder` as `<stem>.gz`, and return their arrays.

    Mirrors that do not answer within a few seconds are left out, and the others take turns until a
    file arrives whole. The first file that cannot be had ends it all. A progress bar shows when
    standard error is a terminal.

    Raises DataUnavailable if pooch is not installed, no mirror answers, none gives the right file, or the
    folder cannot be written.
    """
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    download = _pooch().HTTPDownloader(
        progressbar=on_terminal and find_spec("tqdm") is not None,
        chunk_size=1 << 16,
        timeout=(source.answer_within, _SILENCE),
    )
    urls = {mirror: f"{mirror.rstrip('/')}/{stems[0]}.gz" for mirror in source.mirrors}
    answering = _answering(urls, download, source.answer_within)
    if not answering:
        raise DataUnavailable("no connection to any mirror")
    return {stem: _fetch_one(source, stem, folder, answering, download) for stem in stems}


def _answering(
    urls: Mapping[str, str], download: Callable[..., object], within: float
) -> list[str]:
    """Return the mirrors that answer at all within this many seconds; all are asked at once.

    A firewall that swallows packets would let every address of every mirror run into its own
    timeout, one after the other. Threads bound the whole wait, and daemon threads do not hold up
    the exit.
    """
    answered = set()

    def knock(mirror: str) -> None:
        with suppress(OSError):
            download(urls[mirror], None, None, check_only=True)
            answered.add(mirror)

    deadline = time.monotonic() + within
    threads = [threading.Thread(target=knock, args=(mirror,), daemon=True) for mirror in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [mirror for mirror in urls if mirror in answered]


def _fetch_one(
    source: Source, stem: str, folder: Path, mirrors: Sequence[str], download: Callable[..., object]
) -> NDArray[Any]:
    failures = []
    for mirror in [*mirrors] * _ROUNDS:
        url = f"{mirror.rstrip('/')}/{stem}.gz"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / f"{stem}.gz") as unfinished:
                download(url, unfinished, None)
                unfinished.flush()
                return read_verified(source, stem, Path(unfinished.name))
        except (OSError, ValueError) as error:  # refused, broken off, disk full; or not the file
            failures.append(f"{url}: {error}")
    raise DataUnavailable(
        f"no mirror gave {stem} whole",
        f"They said: {'; '.join(dict.fromkeys(failures))}.",
    )
