"""History: curves by name, a table to read, a plot to look at."""

import builtins

import pytest

from tinygrad_edu import History


def filled(**more):
    history = History()
    history.append({"loss": 0.5, "val_loss": 0.6, "seconds": 1.0})
    history.append({"loss": 0.25, "val_loss": 0.7, "seconds": 1.0, **more})
    return history


def test_curves_by_name():
    history = filled(late=3.0)
    assert history["loss"] == [0.5, 0.25]
    assert history["late"] == [3.0]
    assert list(history) == ["loss", "val_loss", "seconds", "late"]
    assert len(history) == 2
    assert "loss" in history
    assert history.stopped is None


def test_an_unknown_curve_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="no 'accuracy' was measured; there are loss, val_loss"):
        filled()["accuracy"]
    with pytest.raises(KeyError, match="there are no epochs"):
        History()["loss"]


def test_later_changes_of_what_was_appended_do_not_matter():
    history, logs = History(), {"loss": 1.0}
    history.append(logs)
    logs["loss"] = 2.0
    assert history["loss"] == [1.0]


def test_the_table_has_a_line_an_epoch_and_says_why_it_stopped():
    history = filled(late=3.0)
    history.stopped = "Ctrl-C"
    head, first, second, stopped = repr(history).splitlines()
    assert head.split() == ["epoch", "loss", "val_loss", "seconds", "late"]
    assert first.split() == ["1", "0.5", "0.6", "1"]
    assert second.split() == ["2", "0.25", "0.7", "1", "3"]
    assert len(head) == len(first) == len(second)
    assert stopped == "stopped: Ctrl-C"


def test_a_plot_has_a_panel_a_quantity_with_training_beside_validation(tmp_path):
    pytest.importorskip("matplotlib")
    figure = filled(late=3.0).plot(tmp_path / "curves.png")
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert list(panels) == ["loss", "late"]
    curves = {line.get_label(): line.get_xydata().tolist() for line in panels["loss"].lines}
    assert curves == {"training": [[1, 0.5], [2, 0.25]], "validation": [[1, 0.6], [2, 0.7]]}
    assert panels["late"].lines[0].get_xydata().tolist() == [[2, 3.0]]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_ending_of_the_name_decides_the_format(tmp_path):
    pytest.importorskip("matplotlib")
    filled().plot(str(tmp_path / "curves.svg"))
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_nothing_to_plot_yet():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="no epoch has ended"):
        History().plot()


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch):
    found = builtins.__import__

    def without(name, *rest, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return found(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[plot\]"'):
        filled().plot()
