"""Figures: written whole, always the same bytes, and a word on what to install."""

import builtins

import pytest

from tinygrad_edu.support import new_figure, save_figure


def drawn():
    pytest.importorskip("matplotlib")
    figure = new_figure(3, 2)
    figure.subplots().plot([1, 2, 4])
    return figure


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, ending):
    save_figure(drawn(), tmp_path / f"one.{ending}")
    save_figure(drawn(), tmp_path / f"two.{ending}")
    one, two = (tmp_path / f"{name}.{ending}" for name in ("one", "two"))
    assert one.stat().st_size > 500
    assert one.read_bytes() == two.read_bytes()


def test_an_unknown_ending_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "curve.doc"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"ends in one of .*svg.*curve\.doc"):
        save_figure(drawn(), path)
    assert path.read_text() == "old"


def test_a_figure_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "curve.png"
    save_figure(drawn(), path)
    before = path.read_bytes()
    broken = drawn()
    broken.axes[0].set_title("$\\nonsense$")  # matplotlib finds out while it draws
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(broken, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["curve.png"]


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = drawn()
    assert save_figure(figure, None) is figure
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    original = builtins.__import__

    def without(name, *rest, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[plot\]"'):
        new_figure(3, 2)


def test_an_svg_is_dark_on_dark_pages_and_its_photographs_stay_as_they_are(tmp_path):
    save_figure(drawn(), tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text()
    assert text.count("prefers-color-scheme: dark") == 1
    assert 'id="figure_1"' in text  # what the style turns dark
    assert "#figure_1 image { filter" in text
