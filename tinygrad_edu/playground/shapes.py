"""Shapes: points in a plane, each with the answer that a network shall learn to give.

A circle within a ring, a chessboard of four fields (xor), two clouds (gauss), two arms of a spiral; with
three classes, three clouds and a wheel of three arms; and two slopes, whose answer is a number instead of a
class. All lie between −6 and 6. Noise moves the points, or the place at which their answer is looked up.

Source of all but the three classes: the TensorFlow Playground by Smilkov, Carter and others, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.playground.settings import INPUTS, Settings

Numbers: TypeAlias = np.ndarray[Any, Any]
#: Points (n, 2) and their answers (n,): a class, counted from 0, or a number from −1 to 1.
Shape: TypeAlias = tuple[Numbers, Numbers]

#: How a point (x, y) becomes each input of the network.
FEATURES: dict[str, Callable[[Numbers, Numbers], Numbers]] = dict(
    zip(
        INPUTS,
        (
            lambda x, y: x,
            lambda x, y: y,
            lambda x, y: x * x,
            lambda x, y: y * y,
            lambda x, y: x * y,
            lambda x, y: np.sin(x),
            lambda x, y: np.sin(y),
        ),
        strict=True,
    )
)
LABELS = dict(zip(INPUTS, ("X₁", "X₂", "X₁²", "X₂²", "X₁X₂", "sin X₁", "sin X₂"), strict=True))


def inputs_of(points: Numbers, settings: Settings) -> Numbers:
    """Return what the network is given of points (n, 2): (n, inputs).

    >>> inputs_of(np.array([[2.0, 3.0]]), Settings(x=False, x_times_y=True))
    array([[3., 6.]])
    """
    x, y = points[:, 0], points[:, 1]
    chosen = [FEATURES[name](x, y) for name in INPUTS if getattr(settings, name)]
    return np.stack(chosen, axis=1)


def _disk(n: int, inner: float, outer: float, rng: np.random.Generator) -> Numbers:
    radius, angle = rng.uniform(inner, outer, n), rng.uniform(0, 2 * math.pi, n)
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def circle(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """A disk, class 1, in a ring, class 0.

    >>> points, classes = circle(10, 0.0, np.random.default_rng(0))
    >>> bool(np.all((np.hypot(*points.T) < 2.5) == (classes == 1)))
    True
    """
    points = np.concatenate([_disk(n - n // 2, 0, 2.5, rng), _disk(n // 2, 3.5, 5, rng)])
    seen = points + rng.uniform(-5, 5, points.shape) * noise
    return points, (np.hypot(seen[:, 0], seen[:, 1]) < 2.5).astype(int)


def xor(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Four fields: class 1 where x and y have the same sign, 0 where they differ."""
    points = rng.uniform(-5, 5, (n, 2))
    points += np.where(points > 0, 0.3, -0.3)
    seen = points + rng.uniform(-5, 5, points.shape) * noise
    return points, (seen[:, 0] * seen[:, 1] >= 0).astype(int)


def _clouds(centers: Numbers, n: int, noise: float, rng: np.random.Generator) -> Shape:
    classes = np.arange(n) % len(centers)
    spread = math.sqrt(0.5 + 7 * noise)  # a variance of 0.5 to 4
    return centers[classes] + rng.normal(0, spread, (n, 2)), classes


def gauss(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Two clouds, around (−2, −2) and (2, 2)."""
    return _clouds(np.array([[-2.0, -2.0], [2.0, 2.0]]), n, noise, rng)


def three(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Three clouds, at the corners of a triangle."""
    return _clouds(np.array([[-2.6, -1.5], [2.6, -1.5], [0.0, 3.0]]), n, noise, rng)


def _arms(count: int, turns: float, n: int, noise: float, rng: np.random.Generator) -> Shape:
    arm = np.arange(n) % count
    along = (np.arange(n) // count) / max(n // count, 1)
    radius, angle = 5 * along, 2 * math.pi * (turns * along + (arm + 1) / count)
    points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return points + rng.uniform(-1, 1, points.shape) * noise, arm


def spiral(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Two arms that turn around each other one and three quarter times."""
    return _arms(2, 1.75, n, noise, rng)


def wheel(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Three bent arms, a class each."""
    return _arms(3, 0.6, n, noise, rng)


def plane(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """A slope: (x + y)/10."""
    points = rng.uniform(-6, 6, (n, 2))
    seen = points + rng.uniform(-6, 6, points.shape) * noise
    return points, seen.sum(axis=1) / 10


def hills(n: int, noise: float, rng: np.random.Generator) -> Shape:
    """Six hills and hollows, each 1 or −1 at its top and 0 from a distance of 2."""
    points = rng.uniform(-6, 6, (n, 2))
    seen = points + rng.uniform(-6, 6, points.shape) * noise
    centers = np.array([[x, y] for y in (2.5, -2.5) for x in (-4.0, 0.0, 4.0)])
    signs = np.array([1, -1, 1, -1, 1, -1])
    distance = np.hypot(*(seen[:, None] - centers).transpose(2, 0, 1))
    heights = signs * np.clip(1 - distance / 2, 0, 1)
    return points, heights[np.arange(n), np.abs(heights).argmax(axis=1)]


SHAPES = {
    "circle": circle,
    "xor": xor,
    "gauss": gauss,
    "spiral": spiral,
    "three": three,
    "wheel": wheel,
    "reg-plane": plane,
    "reg-gauss": hills,
}


def make_points(settings: Settings, rng: np.random.Generator) -> Shape:
    """Return the points that settings ask for, in a random order.

    >>> make_points(Settings(points=100), np.random.default_rng(0))[0].shape
    (100, 2)
    """
    if settings.problem == "classification" and settings.dataset == "own":
        own = np.array(settings.own, float).reshape(-1, 3)
        points, answers = own[:, :2], own[:, 2].astype(int)
    else:
        name = settings.dataset if settings.classes else settings.reg_dataset
        points, answers = SHAPES[name](settings.points, settings.noise / 100, rng)
    order = rng.permutation(len(points))
    return points[order], answers[order]
