"""What docs/by_hand.md shows is what comes out."""

import doctest
import re
from pathlib import Path

import pytest

pytest.importorskip("sympy")

PAGE = Path(__file__).parents[2] / "docs" / "by_hand.md"


def test_the_page_shows_what_comes_out():
    text = PAGE.read_text(encoding="utf-8")
    page = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(page.examples) > 30
    said = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(page, out=said.append)
    assert not failed, "".join(said)


def test_the_list_of_mistakes_is_the_list_of_mistakes():
    from tinygrad_edu.compare import mutations

    names = {mistake.name for mistake in mutations.MISTAKES}
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| name | what is done |") : text.index("Its verdict is one of four")]
    assert names == set(re.findall(r"`([^`]+)`", table)) - {"before="}
