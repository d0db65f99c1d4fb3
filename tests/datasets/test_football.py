from datetime import date, timedelta

import numpy as np
import pytest

from tinygrad_edu.datasets import Diary, football_diary, read_diary
from tinygrad_edu.datasets.diary import Day


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def learn(diary, steps=2000, rate=2.0):
    """Teach one sigmoid neuron by plain gradient descent; return its weights and bias."""
    x, y = diary.x / [1, 10], diary.y
    weights, bias = np.zeros(2), 0.0
    for _ in range(steps):
        fault = (sigmoid(x @ weights + bias) - y) / len(y)
        weights -= rate * x.T @ fault
        bias -= rate * fault.sum()
    return weights, bias


def test_a_year():
    diary = football_diary()
    assert len(diary) == 365
    assert [day.date for day in diary] == [date(2025, 1, 1) + timedelta(days=i) for i in range(365)]
    assert diary.x.shape == (365, 2)
    assert diary.x.dtype == np.float64
    assert set(diary.x[:, 0]) == {0, 1}
    assert set(diary.x[:, 1]) == set(range(11))
    assert diary.y.shape == (365,)
    assert 0.4 < diary.y.mean() < 0.6
    assert "365 days from 2025-01-01 to 2025-12-31" in repr(diary)


def test_the_seed_decides():
    assert football_diary(rng=4) == football_diary(rng=np.random.default_rng(4))
    assert football_diary(rng=4) != football_diary(rng=5)


def test_without_moods_the_rule_decides():
    diary = football_diary(days=1000, mood=0)
    enough = np.where(diary.x[:, 0] == 1, 4, 7)
    np.testing.assert_array_equal(diary.y, diary.x[:, 1] >= enough)


def test_with_moods_the_rule_is_right_on_96_days_in_a_hundred():
    diary = football_diary(days=20_000, rng=1)
    rule = diary.x[:, 1] >= np.where(diary.x[:, 0] == 1, 4, 7)
    assert np.mean(rule == diary.y) == pytest.approx(0.96, abs=0.01)


def test_one_neuron_finds_the_weights():
    train, test = football_diary().split()
    weights, bias = learn(train)
    np.testing.assert_allclose(weights / -bias * 2, [1, 3], rtol=0.15)
    assert np.mean((test.x / [1, 10] @ weights + bias > 0) == test.y) > 0.9


def test_split_keeps_every_day_once():
    diary = football_diary(days=50)
    train, test = diary.split(test_fraction=0.3, rng=2)
    assert len(test) == pytest.approx(15, abs=1)
    assert set(train.rows) | set(test.rows) == set(diary.rows)
    assert abs(test.y.mean() - diary.y.mean()) < 0.05
    with pytest.raises(ValueError, match="nothing to test on"):
        football_diary(days=1).split()


@pytest.mark.parametrize("wrong", [{"days": 0}, {"mood": -1}, {"mood": float("nan")}], ids=str)
def test_impossible_diaries(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        football_diary(**wrong)


def test_an_empty_diary():
    empty = Diary(())
    assert empty.x.shape == (0, 2)
    assert empty.y.shape == (0,)
    assert repr(empty) == "Diary(0 days)"


# As a file


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "diary.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_what_is_saved_is_read_again(tmp_path):
    diary = football_diary(days=40)
    diary.save_csv(tmp_path / "diary.csv")
    assert read_diary(tmp_path / "diary.csv") == diary
    assert [path.name for path in tmp_path.iterdir()] == ["diary.csv"]


EXPECTED = Diary(
    (Day(date(2025, 5, 31), "sunny", 4, True), Day(date(2025, 6, 1), "rainy", 0, False))
)


@pytest.mark.parametrize(
    "text",
    [
        "date,weather,players,played\n2025-05-31,sunny,4,yes\n2025-06-01,rainy,0,no\n",
        "\ufeffdate;weather;players;played\r\n2025-05-31;Sunny;4;TRUE\r\n"
        "2025-06-01;RAINY;0;false\r\n",
        "\n\ndate,weather,players,played\n\n2025-05-31,sunny,4,1\n,,,\n  \n2025-06-01,rainy,0,0",
        'Played, Players ,note,Weather,DATE\nyes,4,"a, b",sunny,2025-05-31\nno,0,,rainy,2025-06-01',
    ],
    ids=["plain", "spreadsheet", "blank lines", "other columns"],
)
def test_the_ways_to_write_a_diary(write, text):
    assert read_diary(write(text)) == EXPECTED


GOOD = "2025-05-31,sunny,4,yes\n"
HEADER = "date,weather,players,played\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"lacks the column date, weather, players, played: its first line has nothing"),
        ("\n \n", "lacks the column"),
        (GOOD, "lacks the column"),
        ("date,weather,played\n2025-05-31,sunny,yes\n", "lacks the column players: .*, played,"),
        (HEADER, "holds no day"),
        (HEADER + GOOD + "\n2025-05-31,sunny,four,yes\n", "line 4, column players: found 'four'"),
        (HEADER + "2025-05-31,sunny,3.5,yes\n", "line 2, column players: found '3.5', expected a"),
        (HEADER + "2025-05-31,sunny,-1,yes\n", "column players: found '-1', expected 0 or more"),
        (
            HEADER + f"2025-05-31,sunny,{'1' * 5000},yes\n",
            "column players: found '1111.*' *, expected a",
        ),
        (HEADER + f"2025-05-31,sunny,{'1' * 4000},yes\n", "column players: .* at most 1,000,000"),
        (HEADER + "2025-05-31,sunny,1000001,yes\n", "found '1000001', expected at most 1,000,000"),
        ("date,weather,players,players,played\n", "has more than one column players; keep one"),
        (HEADER + "2025-02-30,sunny,1,yes\n", "column date: found '2025-02-30', expected a day"),
        (HEADER + "31.5.2025,sunny,1,yes\n", r"column date: found '31.5.2025', .*2025-05-31"),
        (HEADER + "2025-05-31,suny,1,yes\n", "column weather: found 'suny', expected one of sunny"),
        (HEADER + "2025-05-31,sunny,1,maybe\n", "column played: found 'maybe', expected yes or no"),
        (HEADER + "2025-05-31,sunny,1\n", "line 2, column played: found nothing"),
        (HEADER + '2025-05-31,"sunny,1,yes\n', "is not CSV"),
    ],
)
def test_mistakes_are_found_by_line_and_column(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as error:
        read_diary(path)
    assert str(path) in str(error.value)


def test_other_encodings(write):
    with pytest.raises(ValueError, match="not UTF-8"):
        read_diary(write(HEADER + GOOD, encoding="utf-16"))


def test_a_failed_save_leaves_the_old_diary(tmp_path, monkeypatch):
    football_diary(days=3).save_csv(tmp_path / "diary.csv")

    def disk_full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        football_diary(days=5).save_csv(tmp_path / "diary.csv")
    assert len(read_diary(tmp_path / "diary.csv")) == 3
    assert len(list(tmp_path.iterdir())) == 1
