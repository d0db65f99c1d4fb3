"""What two choices bring: floats instead of arrays without axes, and a resampling of our own.

    python tests/benchmarks/choices.py

A single number could be an array without axes everywhere; in a Value it is a Python float. And SciPy could
look into images between their pixels, one image after the other, as it does in the tests.
"""

from __future__ import annotations

from timeit import Timer

import numpy as np
from timing import Program, in_turn, peer, print_table

from tinygrad_edu.datasets.resampling import distort

IMAGES, SIZE, TURNS = 128, 28, 10


def a_million_products(number: object) -> Program:
    """Return a program that multiplies a number by itself; its milliseconds are nanoseconds a product."""
    timer = Timer("number * number", globals={"number": number})
    return lambda: timer.timeit(1_000_000)


def products() -> None:
    """Compare products of floats, and of arrays without axes."""
    numbers = {"floats": 1.5, "arrays, no axes": np.array(1.5)}
    programs = {name: a_million_products(number) for name, number in numbers.items()}
    print_table("A million products", in_turn(programs, TURNS, steps=1), "floats")


def resampling() -> None:
    """Compare the look into images at places near their pixels, ours and SciPy's."""
    ndimage = peer("scipy.ndimage", "scipy")
    rng = np.random.default_rng(0)
    images = rng.random((IMAGES, SIZE, SIZE), dtype=np.float32)
    places = np.indices((SIZE, SIZE)) + rng.normal(0.0, 2.0, (IMAGES, 2, SIZE, SIZE))
    places = places.astype(np.float32)
    from_the_middle = places - np.float32((SIZE - 1) / 2)
    rows, cols = from_the_middle[:, :1], from_the_middle[:, 1:]

    def ours() -> np.ndarray:
        parts = zip(np.split(rows, IMAGES // 32), np.split(cols, IMAGES // 32), strict=True)
        # It asks for the places of 32 images at a time.
        return distort(images, lambda *_: next(parts))

    def theirs() -> np.ndarray:
        pairs = zip(images, places, strict=True)
        return np.stack(
            [ndimage.map_coordinates(*pair, order=1, mode="grid-constant") for pair in pairs]
        )

    np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-5)
    medians = in_turn({"SciPy": theirs, "tinygrad_edu": ours}, TURNS, steps=10)
    title = f"{IMAGES} images of {SIZE}×{SIZE}, each pixel looked up elsewhere"
    print_table(title, medians, "tinygrad_edu")


def main() -> None:
    products()
    resampling()


if __name__ == "__main__":
    main()
