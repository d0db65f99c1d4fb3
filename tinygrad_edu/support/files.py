"""Files: whether one can be written, and how it is written whole or not at all.

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


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return the path, if a file can be written there: to be asked before hours of work.

    Raises FileNotFoundError for a missing folder, NotADirectoryError, IsADirectoryError or PermissionError
    where no file can be.

    >>> check_writable("no/such/folder/model.safetensors")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    FileNotFoundError: cannot write no/such/folder/model.safetensors: there is no folder no/such/folder;
    make it first: mkdir -p no/such/folder
    """
    file = Path(path)
    folder = file.parent
    if not folder.exists():
        raise FileNotFoundError(
            f"cannot write {file}: there is no folder {folder}; make it first: mkdir -p {folder}"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"cannot write {file}: {folder} is not a folder; choose another place"
        )
    if file.is_dir():
        raise IsADirectoryError(f"cannot write {file}: that is a folder; add a file name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"cannot write {file}: the folder {folder} may not be written to; choose another"
        )
    return file


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BufferedWriter]:
    """Open a new binary file that takes the place of `path` when the block ends well.

    When the block raises, the unfinished file is removed and whatever was at `path` stays as it
    was.

    Raises OSError if the folder is missing or cannot be written, or the disk is full.

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
