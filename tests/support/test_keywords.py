"""Keywords: the name that an option has here is told to whoever types another."""

import inspect

import pytest

from tinygrad_edu.support import known_as


@known_as(learning_rate="lr", rate="lr, as in lr=0.1")
def descend(start, *, lr=0.1, steps=10):
    """Go down."""
    return start, lr, steps


class Walk:
    @known_as(rate="lr")
    def __init__(self, lr):
        self.lr = lr


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: descend(1, learning_rate=2),
            r"^descend\(\) has no option learning_rate; write lr$",
        ),
        (lambda: descend(1, rate=2), r"write lr, as in lr=0\.1$"),
        (lambda: descend(1, step=2), r"did you mean steps\?$"),
        (lambda: descend(1, xyz=2), "it has start, lr, steps$"),
        (lambda: Walk(rate=1), r"^Walk\(\) has no option rate; write lr$"),
        (lambda: descend(), "missing 1 required positional argument"),
    ],
)
def test_an_unknown_keyword_is_answered_with_ours(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_what_is_known_passes_and_the_function_stays_what_it_was():
    assert descend(1, lr=2) == (1, 2, 10)
    assert Walk(3).lr == 3
    assert (descend.__name__, descend.__doc__) == ("descend", "Go down.")
    assert list(inspect.signature(descend).parameters) == ["start", "lr", "steps"]
    assert list(inspect.signature(Walk).parameters) == ["lr"]
