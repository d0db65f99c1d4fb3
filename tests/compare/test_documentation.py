"""What docs/by_hand.md and docs/gradient_checking.md show is what comes out."""

import doctest
import re
from pathlib import Path

import pytest

from tinygrad_edu.compare.mistakes import MISTAKES

pytest.importorskip("sympy")

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "by_hand.md"


@pytest.mark.parametrize(("name", "least"), [("by_hand.md", 30), ("gradient_checking.md", 15)])
def test_the_page_shows_what_comes_out(name, least):
    path = DOCS / name
    text = path.read_text(encoding="utf-8")
    page = doctest.DocTestParser().get_doctest(text, {}, name, str(path), 0)
    assert len(page.examples) > least
    said = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(page, out=said.append)
    assert not failed, "".join(said)


def test_the_list_of_mistakes_is_the_list_of_mistakes():
    names = {mistake.name for mistake in MISTAKES}
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| name | what is done |") : text.index("Its verdict is one of four")]
    assert names == set(re.findall(r"`([^`]+)`", table)) - {"before=", "dE[ids] += …", "keepdims"}
