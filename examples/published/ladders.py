"""Ladders: the same training again and again, with one setting that climbs.

A single accuracy says little about the setting behind it. Along a ladder one sees where the top is, how
broad it is, and on which side one falls off. The book draws three of them, and describes a fourth.
"""

from published.runs import Run


def _run(hidden: int, rate: float, epochs: int, angle: float = 0) -> Run:
    return Run.of("rashid", hidden=hidden, rate=rate, epochs=epochs, angle=angle)


#: By learning rate; two of them for ten epochs, which makes the ladder of epochs as well.
RATES = {
    rate: _run(100, rate, 10 if rate in (0.1, 0.2) else 5)
    for rate in (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6)
}
HIDDEN = {
    hidden: RATES[0.1] if hidden == 100 else _run(hidden, 0.1, 5)
    for hidden in (5, 10, 20, 50, 100, 200, 500)
}
#: By the angle of the turned copies.
ANGLES = {angle: _run(200, 0.1, 5, angle) for angle in (0, 5, 10, 15, 20, 30)}
SLOW_AND_TURNED = _run(200, 0.01, 10, 10)

ALL = [*RATES.values(), *HIDDEN.values(), *ANGLES.values(), SLOW_AND_TURNED]
