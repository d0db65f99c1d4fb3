"""The football diary: a year of yes and no, from which one neuron learns how somebody decides.

Shall I go and play football in the park? The decision in that well-known introduction is one
neuron: sun weighs 1, friends weigh 3, and I go if the sum is strictly greater than 2. Turned round,
it is a first exercise in learning: keep a diary of the weather, the number of other players and
whether you played, and find the weights from it.

A diary counts friends instead of saying yes or no, so the generator here weighs each of up to ten
players with a tenth of 3, which keeps the introduction's numbers: nobody weighs 0, all ten weigh 3.
In the introduction friends alone decide. With friends counted, the sun matters, too: four players
are enough on a sunny day, on any other it takes seven. And nobody decides like a machine; a *mood*
is added to the sum:

    played  if  1·sunny + 0.3·players + mood > 2

The mood is drawn from the logistic distribution of scale m. Then the chance to play is exactly
sigmoid((1·sunny + 0.3·players − 2) / m): a sigmoid neuron can learn this person, and its weights
and bias come out close to 1 : 0.3 : −2 times some factor (or 1 : 3 : −2, the introduction's own,
when it is shown the players divided by ten, which also makes learning quicker). What it cannot
learn is the mood: with m = 0.1 even the best neuron is wrong on four days in a hundred.
"""

from datetime import date, timedelta

import numpy as np

from tinygrad_edu.datasets.diary import Day, Diary


def football_diary(
    days: int = 365,
    rng: int | np.random.Generator = 0,
    *,
    start: date = date(2025, 1, 1),
    mood: float = 0.1,
) -> Diary:
    """Make up a diary by the rule in this module's first paragraphs.

    Half of the days are sunny, the others cloudy or rainy; any number of other players from 0 to 10
    is equally likely, whatever the weather.

    `days` is how many, at least 1, and `start` the first of them. `mood` is the scale m of the logistic
    noise; 0 decides by the rule alone. `rng` is a seed or a Generator; the same seed gives the same diary.

    Raises ValueError for fewer days than 1, or a negative mood.

    >>> football_diary(days=2).rows[0]
    Day(date=datetime.date(2025, 1, 1), weather='cloudy', players=3, played=False)
    """
    if days < 1:
        raise ValueError(f"a diary of days={days} is empty; give at least 1")
    if not mood >= 0:
        raise ValueError(f"mood={mood} is the scale of a noise, so it must be 0 or more")
    rng = np.random.default_rng(rng)
    weather = rng.choice(["sunny", "cloudy", "rainy"], size=days, p=[0.5, 0.25, 0.25])
    players = rng.integers(0, 11, size=days)
    # In tenths the rule is exact: 0.3 × players in floating point would not be.
    wish = 10 * (weather == "sunny") + 3 * players + 10 * rng.logistic(0.0, mood, size=days)
    return Diary(
        tuple(
            Day(start + timedelta(days=i), str(weather[i]), int(players[i]), bool(wish[i] > 20))
            for i in range(days)
        )
    )
