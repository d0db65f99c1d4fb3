"""A sweep on a page: its numbers stand in a text that people write, and are never copied by hand.

The page says where, with two comments that nobody sees. Between them the program writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tinygrad_edu.lab.sweep.results import Sweep
from tinygrad_edu.lab.sweep.words import Setting
from tinygrad_edu.support import replacing

BEGIN, END = "<!-- sweep: begin -->", "<!-- sweep: end -->"


def write_into_page(
    results: Sweep,
    page: str | os.PathLike[str],
    pairs: Sequence[tuple[Setting, Setting]] = (),
    monitor: str = "val_accuracy",
) -> None:
    """Put table and findings of a sweep into a Markdown page, in place of what the last one left there.

    They go between the lines `<!-- sweep: begin -->` and `<!-- sweep: end -->`; everything else stays as it
    is, and the page is replaced whole or not at all. `pairs` are as for `Sweep.findings`.

    Raises OSError if there is no such page, ValueError if it lacks the two lines.
    """
    path = Path(page)
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN + "\n")
    _, end, after = rest.partition(END + "\n")
    if not (begin and end):
        raise ValueError(
            f"{page} does not say where the numbers belong; put the lines {BEGIN} and {END} there"
        )
    found = "".join(f"* {line}\n" for line in results.findings(pairs, monitor))
    numbers = f"\n{found}\n{results.table(monitor, markdown=True)}\n\n"
    with replacing(path) as file:
        file.write(f"{before}{begin}{numbers}{end}{after}".encode())
