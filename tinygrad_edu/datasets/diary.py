"""A diary of football: what was seen on each day, and what was decided.

Two things were seen, whether the sun shone and how many other players came, and one was decided.
That is all a single neuron needs: `x` holds what was seen, `y` what was decided. A diary is kept as
a CSV file, one line a day, so anybody can keep their own in a spreadsheet or a text editor:

    date,weather,players,played
    2025-05-31,sunny,4,yes
"""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.datasets.split import stratified_split
from tinygrad_edu.support import check_name, replacing

_COLUMNS = ("date", "weather", "players", "played")
_WEATHERS = ("sunny", "cloudy", "overcast", "rainy", "stormy", "snowy", "foggy", "windy")
_MANY = 1_000_000  # players; more would not be a diary
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True)
class Day:
    """One line of the diary: the weather, how many others came, and whether you played.

    >>> Day(date(2025, 5, 1), "sunny", 4, True).weather
    'sunny'
    """

    date: date
    weather: str
    players: int
    played: bool


@dataclass(frozen=True, repr=False)
class Diary:
    """Days on which you played football, or did not.

    `rows` are the days, each a `Day`.

    >>> from tinygrad_edu.datasets import football_diary
    >>> diary = football_diary()
    >>> diary
    Diary(365 days from 2025-01-01 to 2025-12-31, played on 179)
    >>> diary.x.shape, diary.y.shape
    ((365, 2), (365,))
    """

    rows: tuple[Day, ...]

    @property
    def x(self) -> NDArray[np.float64]:
        """What was seen: sunny (0 or 1) and the number of players as it is; float64, (N, 2)."""
        seen = [(day.weather == "sunny", day.players) for day in self.rows]
        return np.array(seen, dtype=np.float64).reshape(-1, 2)

    @property
    def y(self) -> NDArray[np.int64]:
        """What was decided: 1 for played, 0 for not; int64, (N,)."""
        return np.array([day.played for day in self.rows], dtype=np.int64)

    def split(
        self, test_fraction: float = 0.2, rng: int | np.random.Generator = 0
    ) -> tuple["Diary", "Diary"]:
        """Part the days at random into a diary to learn from and one to be tested on.

        Raises ValueError if the fraction is not between 0 and 1, or one of the diaries would be empty.

        >>> from tinygrad_edu.datasets import football_diary
        >>> [len(diary) for diary in football_diary().split(test_fraction=0.2)]
        [292, 73]
        """
        train, test = stratified_split(self.y, test_fraction, rng)
        return (
            Diary(tuple(self.rows[row] for row in train)),
            Diary(tuple(self.rows[row] for row in test)),
        )

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        r"""Write the diary as CSV with the header date,weather,players,played; see `read_diary`.

        Raises OSError if the folder cannot be written.

        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     diary = Diary((Day(date(2025, 5, 31), "sunny", 4, True),))
        ...     diary.save_csv(Path(folder) / "diary.csv")
        ...     (Path(folder) / "diary.csv").read_text()
        'date,weather,players,played\n2025-05-31,sunny,4,yes\n'
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for day in self.rows:
            writer.writerow([day.date, day.weather, day.players, "yes" if day.played else "no"])
        with replacing(path) as file:
            file.write(text.getvalue().encode())

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Day]:
        return iter(self.rows)

    def __repr__(self) -> str:
        if not self.rows:
            return "Diary(0 days)"
        dates = [day.date for day in self.rows]
        played = sum(day.played for day in self.rows)
        return f"Diary({len(self)} days from {min(dates)} to {max(dates)}, played on {played})"


def read_diary(path: str | os.PathLike[str]) -> Diary:
    r"""Read your own diary from a CSV file.

    The first line names the columns date, weather, players and played, in any order; other columns
    are passed over, and so are blank lines. Commas or semicolons part the cells, as spreadsheets
    write them. A date is written 2025-05-31, played is yes or no (true or false, 1 or 0), and
    weather is sunny, cloudy, overcast, rainy, stormy, snowy, foggy or windy.

    Raises ValueError if the file is empty or not UTF-8 text, a column is missing, or a cell is wrong (the
    message names its line and column); OSError if the file cannot be opened.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "diary.csv"
    ...     _ = path.write_text("date;weather;players;played\n2025-05-31;Sunny;4;yes\n")
    ...     read_diary(path).rows
    (Day(date=datetime.date(2025, 5, 31), weather='sunny', players=4, played=True),)
    """
    header, *lines = _read_lines(path) or [(0, [])]
    names = [name.lower() for name in header[1]]
    if twice := [name for name in _COLUMNS if names.count(name) > 1]:
        raise ValueError(f"{path}: has more than one column {', '.join(twice)}; keep one of each")
    if missing := [name for name in _COLUMNS if name not in names]:
        raise ValueError(
            f"{path}: lacks the column {', '.join(missing)}: its first line has "
            f"{', '.join(names) or 'nothing'}, and should have {', '.join(_COLUMNS)}"
        )
    if not lines:
        raise ValueError(f"{path}: holds no day; write one line below the header for each day")
    return Diary(
        tuple(
            _day(dict(zip(names, cells, strict=False)), f"{path}, line {number}")
            for number, cells in lines
        )
    )


def _read_lines(path: str | os.PathLike[str]) -> list[tuple[int, list[str]]]:
    """Return the number and the cells of every line that is not blank."""
    try:
        text = check_name(path).read_text(
            encoding="utf-8-sig"
        )  # -sig drops the mark that Excel puts first
        header = text.lstrip().partition("\n")[0]
        reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",", strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error}); save it as CSV UTF-8") from error
    except csv.Error as error:
        raise ValueError(f"{path}: is not CSV ({error}); check its quotation marks") from error
    return [(number, cells) for number, cells in lines if any(cells)]


def _day(cells: dict[str, str], where: str) -> Day:
    """Read one line of the diary, its `cells` by the name of their column."""

    def wrong(column: str, expected: str) -> ValueError:
        found = repr(cells[column][:40]) if cells.get(column) else "nothing"
        return ValueError(f"{where}, column {column}: found {found}, expected {expected}")

    try:
        day = date.fromisoformat(cells.get("date", ""))
    except ValueError:
        raise wrong("date", "a day of the calendar such as 2025-05-31") from None
    try:
        players = int(cells.get("players", ""))
    except ValueError:
        raise wrong("players", "a whole number such as 4") from None
    if players < 0:
        raise wrong("players", "0 or more")
    if players > _MANY:
        raise wrong("players", f"at most {_MANY:,}")
    weather = cells.get("weather", "").lower()
    if weather not in _WEATHERS:
        raise wrong("weather", f"one of {', '.join(_WEATHERS)}")
    played = cells.get("played", "").lower()
    if played not in _YES + _NO:
        raise wrong("played", "yes or no")
    return Day(day, weather, players, played in _YES)
