"""Files that are whole or not there at all.

A program that dies half-way through writing leaves half a file, and the next program takes it for a
whole one. The cure is old and short: write under another name in the same folder, push the bytes to
the disk, and only then rename. Within one folder a rename happens at once or not at all, so a
reader sees the old file or the new one, never something between, and two writers cannot mix their
bytes.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BufferedWriter]:
    """Open a new binary file that takes the place of `path` when the block ends well.

    When the block raises, the unfinished file is removed and whatever was at `path` stays as it
    was.

    Raises:
        OSError: the folder is missing or cannot be written, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as file:
    ...         _ = file.write(b"whole")
    ...     os.listdir(folder)
    ['note.txt']
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)  # still there only when something went wrong
