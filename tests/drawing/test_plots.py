"""Plots: which mistakes are the worst, and the picture of them."""

import builtins

import numpy as np
import pytest

from tinygrad_edu import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Reshape, Sequential
from tinygrad_edu.datasets import Pixels
from tinygrad_edu.drawing import plot_feature_maps, plot_images, plot_mistakes
from tinygrad_edu.drawing.plots import worst_mistakes

#: Right; wrong by little; wrong and very sure; wrong.
SCORES = np.array([[9.0, 0.0], [0.0, 0.1], [0.0, 800.0], [0.0, 3.0]], np.float32)
LABELS = np.array([0, 0, 0, 0])
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6), dtype=np.uint8)


def test_the_most_confident_mistakes_come_first():
    assert worst_mistakes(SCORES, LABELS).tolist() == [2, 3, 1]
    assert worst_mistakes(SCORES, LABELS, count=2).tolist() == [2, 3]


def test_no_mistakes():
    assert worst_mistakes(SCORES, np.array([0, 1, 1, 1])).tolist() == []


@pytest.mark.parametrize("images", [IMAGES / 255, Pixels(IMAGES)], ids=["array", "Pixels"])
def test_the_picture_shows_each_with_what_it_is_and_what_it_was_read_as(tmp_path, images):
    pytest.importorskip("matplotlib")
    figure = plot_mistakes(images, LABELS, SCORES, (2, 3), tmp_path / "mistakes.png", count=4)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [
        "a 0, read as 1\n100.0% sure",
        "a 0, read as 1\n95.3% sure",
        "a 0, read as 1\n52.5% sure",
    ]
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, (IMAGES[2] / 255).reshape(2, 3), rtol=1e-6)
    assert (tmp_path / "mistakes.png").read_bytes().startswith(b"\x89PNG")


def test_a_perfect_network_gives_an_empty_picture():
    pytest.importorskip("matplotlib")
    figure = plot_mistakes(IMAGES, np.array([0, 1, 1, 1]), SCORES, (2, 3))
    assert not any(axes.images for axes in figure.axes)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    found = builtins.__import__

    def without(name, *rest, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return found(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[plot\]"'):
        plot_mistakes(IMAGES, LABELS, SCORES, (2, 3))


def test_feature_maps_are_what_the_layers_give(tmp_path):
    pytest.importorskip("matplotlib")
    model = Sequential(
        Reshape(1, 6, 6), Conv2D(1, 3, 3), ReLU(), MaxPool2D(), Flatten(), Dense(12, 2), rng=0
    )
    sample = np.random.default_rng(0).random(36, dtype=np.float32)
    figure = plot_feature_maps(model, sample, tmp_path / "maps.png", count=2)
    panels = np.array(figure.axes).reshape(
        4, 2
    )  # what four layers give; Flatten and Dense give none
    named = [row[0].texts[0].get_text() for row in panels]
    assert named == ["reshape1\n6×6", "conv2d1\n4×4\n+ 1 more", *named[2:]]
    seen = model[:2](sample[None]).data[0]
    for axes, channel in zip(panels[1], seen, strict=False):
        np.testing.assert_allclose(axes.images[0].get_array(), channel, rtol=1e-6)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_without_images_has_no_feature_maps():
    with pytest.raises(ValueError, match="as Conv2D does"):
        plot_feature_maps(Sequential(Dense(4, 2)), np.ones(4))


def test_a_sheet_shows_each_row_of_images_under_its_name(tmp_path):
    pytest.importorskip("matplotlib")
    dark, light = np.ones((3, 4)), np.zeros((2, 2, 2))
    figure = plot_images({"dark": dark, "light": light}, (2, 2), tmp_path / "sheet.png")
    assert len(figure.axes) == 6
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["dark", "light"]
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert [array.shape for array in shown] == 5 * [(2, 2)]
    assert [array.mean() for array in shown] == [1, 1, 1, 0, 0]
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_a_sheet_without_images_is_refused():
    pytest.importorskip("matplotlib")
    for rows in ({}, {"none": []}):
        with pytest.raises(ValueError, match="at least one image to draw, got none"):
            plot_images(rows, (2, 2))
