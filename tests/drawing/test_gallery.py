"""The program that draws the pictures of the documentation."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GALLERY = runpy.run_path(str(ROOT / "examples" / "gallery.py"), run_name="gallery")


def test_the_gallery_draws_what_the_documentation_shows_and_overwrites_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    if GALLERY["main"](["--quick"]):
        pytest.skip(capsys.readouterr().err)
    assert [path.relative_to(tmp_path) for path in tmp_path.glob("*/*")] == [Path("out/pictures")]
    drawn = {file.name for file in Path("out/pictures").iterdir()}
    assert drawn
    assert drawn <= pictures_told(ROOT / "README.md", ROOT / "docs" / "pictures.md")


def test_every_picture_of_the_documentation_is_shown_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    folder = ROOT / "docs" / "pictures"
    pictures = {str(file.relative_to(folder)) for file in folder.rglob("*.*")}
    assert pictures == pictures_told(*pages)


def pictures_told(*pages: Path) -> set[str]:
    """Return the names of all pictures that pages refer to."""
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    return set(re.findall(r"pictures/([\w./]+\.(?:svg|png|gif|html))", text))


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert GALLERY["main"](["--out", str(tmp_path / "file" / "folder")]) == 2
    assert capsys.readouterr().err.startswith("gallery.py: ")
