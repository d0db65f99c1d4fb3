"""Progress: plain lines everywhere, and a bar besides in a terminal."""

import io
import sys
import time

import pytest

from tinygrad_edu.training import Progress
from tinygrad_edu.training.progress import in_words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def in_a_terminal(monkeypatch):
    """Return an error stream that says it is a terminal (no fixture: pytest would replace it again)."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def train(progress, epochs=2, seconds=0):
    seen = []
    for epoch in range(1, epochs + 1):
        for batch in progress.over("abc", total=3, epoch=epoch):
            seen.append(batch)
            time.sleep(seconds)
            progress.update({"loss": 0.5})
        progress.end_epoch(epoch, {"loss": 0.5, "accuracy": 0.9, "seconds": 1.25})
    return "".join(seen)


def test_without_a_terminal_there_are_plain_lines_and_nothing_else(capfd):
    assert train(Progress(2, visible=True)) == "abcabc"
    shown = capfd.readouterr()
    assert shown.err == ""
    assert shown.out == (
        "epoch 1/2  loss 0.5000  accuracy 0.9000  1.2 s\n"
        "epoch 2/2  loss 0.5000  accuracy 0.9000  1.2 s\n"
    )


def test_in_a_terminal_a_bar_shows_the_numbers_so_far_and_goes_away(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    terminal = in_a_terminal(monkeypatch)
    assert train(Progress(1, visible=True), epochs=1, seconds=0.12) == "abc"  # drawn every 0.1 s
    drawn = terminal.getvalue()
    assert "epoch 1/1:   0%" in drawn
    assert "2/3" in drawn
    assert "loss 0.5000" in drawn
    assert drawn.endswith("\r")  # the line is free for what follows
    assert "\r" not in capsys.readouterr().out


def test_words_are_said_on_a_line_of_their_own_even_while_a_bar_is_drawn(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    terminal = in_a_terminal(monkeypatch)
    progress = Progress(1, visible=True)
    batches = progress.over("abc", total=3, epoch=1)
    next(batches)
    assert not terminal.getvalue().endswith("\r")
    progress.say("stopped")
    assert terminal.getvalue().endswith("\r")
    assert capsys.readouterr().out == "stopped\n"


def test_it_works_without_tqdm(capsys, monkeypatch):
    terminal = in_a_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert train(Progress(2, visible=True)) == "abcabc"
    assert terminal.getvalue() == ""
    assert capsys.readouterr().out.count("\n") == 2


def test_silence(capsys, monkeypatch):
    terminal = in_a_terminal(monkeypatch)
    progress = Progress(2, visible=False)
    assert train(progress) == "abcabc"
    progress.say("words")
    assert terminal.getvalue() + capsys.readouterr().out == ""


@pytest.mark.parametrize("epochs", [1, 19, 20, 21, 100, 1000])
def test_however_many_epochs_there_are_about_twenty_lines(epochs, capsys):
    train(Progress(epochs, visible=True), epochs)
    lines = capsys.readouterr().out.splitlines()
    assert min(epochs, 10) <= len(lines) <= 22
    assert lines[0].startswith(f"epoch 1/{epochs} ")
    assert lines[-1].startswith(f"epoch {epochs}/{epochs} ")


def test_numbers_in_one_line():
    assert in_words({"loss": 1e-5, "seconds": 0.0123}) == "loss 0.0000  12 ms"
    assert in_words({"loss": float("nan")}) == "loss nan"
