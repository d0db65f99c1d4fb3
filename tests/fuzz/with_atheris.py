"""Fuzz one reader of files, guided by what code it reaches: needs `pip install atheris`.

    python -m tests.fuzz.with_atheris model --minutes 5      from the project's root

It says how many files were tried. A crash leaves its input in the working folder, as crash-….
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

NAMES = ("model", "architecture", "idx", "csv", "diary", "pictures")
#: The rooms and libraries whose code is watched; to watch all would take minutes before it begins.
READING = [
    "tinygrad_edu.datasets", "tinygrad_edu.nn", "tinygrad_edu.training", "tinygrad_edu.lab.handwriting",
    "safetensors", "PIL", "gzip", "json",
]  # fmt: skip


def fuzz(name: str, folder: Path, seconds: float) -> None:
    """Run until the time is over, or a reader does what it does not promise; atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=READING):
        from tests.fuzz.readers import attempt, readers

    reader, corpus = readers()[name], folder / "corpus"
    corpus.mkdir()
    for number, content in enumerate(reader.seeds):
        (corpus / f"seed{number}").write_bytes(content)
    limits = ["-timeout=20", "-rss_limit_mb=2048", f"-max_total_time={seconds:.0f}"]

    def one(content: bytes) -> None:
        attempt(reader, content, folder / "spoiled")

    atheris.Setup([sys.argv[0], str(corpus), *limits, "-print_final_stats=1"], one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz in a process of its own, and clean up behind it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("reader", choices=NAMES)
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    child = os.fork()
    if not child:
        fuzz(options.reader, folder, 60 * options.minutes)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder)
    raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
