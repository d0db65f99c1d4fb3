"""Tables: straight columns, numbers to the right, whatever stands in them."""

import pytest

from tinygrad_edu.support import aligned, html_table, text_table


def test_words_stand_left_and_numbers_right():
    rows = [["name", "size"], ["a long name", "1"], ["b", "1,234.5"], ["c", "<1e-13"], ["d", "–"]]
    lines = aligned(rows)
    assert {len(line) for line in lines} == {len("a long name  1,234.5")}
    assert [line.split()[-1] for line in lines] == ["size", "1", "1,234.5", "<1e-13", "–"]
    assert all(line.startswith(row[0]) for line, row in zip(lines, rows, strict=True))


def test_a_column_with_one_word_in_it_stands_left():
    assert aligned([["n"], ["1"], ["many"]]) == ["n", "1", "many"]
    assert aligned([["n", "x"], ["1", ""], ["many", ""]]) == ["n     x", "1", "many"]


def test_a_total_stands_below_a_rule_of_its_own():
    table = text_table(["layer", "count"], [["a", "1,000"], ["b", "20"]], total=["all", "1,020"])
    first, rule, a, b, second, total = table.splitlines()
    assert set(rule) == {"-"}
    assert rule == second
    assert {len(line) for line in (first, rule, a, b, total)} == {len("layer  count")}
    assert total.split() == ["all", "1,020"]


def test_a_table_without_rows_is_its_header():
    assert text_table(["name", "size"], []).splitlines() == ["name  size", "----------"]


@pytest.mark.parametrize("table", [text_table, html_table])
def test_rows_have_as_many_cells_as_the_header(table):
    with pytest.raises(ValueError, match="shorter"):
        table(["a", "b"], [["1"]])
