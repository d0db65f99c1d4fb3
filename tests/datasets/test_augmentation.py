"""Augmentation: what each step does to an image, that one seed gives one result, and what is refused."""

import math

import numpy as np
import pytest

from tinygrad_edu.datasets import (
    Augmentation,
    Compose,
    Elastic,
    Rotate,
    Shear,
    Shift,
    Zoom,
    load_digits,
    rotate,
)

STEPS = [Rotate(15), Shift(1.5), Zoom(0.2), Shear(15), Elastic(0.7, smoothness=2)]
ALL = Compose(*STEPS)
EACH = pytest.mark.parametrize("augment", [*STEPS, ALL], ids=lambda step: type(step).__name__)


def noise(*shape, dtype=np.float32):
    return np.random.default_rng(1).random(shape).astype(dtype)


def bar(size=28):
    """Return one image with an upright bar in its middle."""
    image = np.zeros((1, size, size))
    middle = size // 2
    image[0, 4:-4, middle - 1 : middle + 1] = 1
    return image


def middle_of(image):
    """Return where the ink lies: row and column of its center of mass."""
    rows, cols = np.indices(image.shape)
    return np.array([(rows * image).sum(), (cols * image).sum()]) / image.sum()


# ------------------------------------------------------------------------------------------------
# The rotation of "Make Your Own Neural Network", and SciPy as a judge
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [10, -10, 25.3, -77, 90, 180, -90, 270, 360, 0, 400])
@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (7, 9), (2, 3)])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-13), (np.float32, 3e-7)])
def test_rotation_is_that_of_scipy(degrees, shape, dtype, rounding):
    from scipy import ndimage

    images = noise(4, *shape, dtype=dtype)  # noise up to the rim, where the two could differ
    expected = [
        ndimage.rotate(
            image, degrees, order=1, reshape=False, mode="constant", cval=0.01, prefilter=False
        )
        for image in images
    ]
    turned = rotate(images, degrees, fill=0.01)
    np.testing.assert_allclose(turned, expected, rtol=0, atol=rounding)
    assert turned.dtype == dtype


def test_a_positive_angle_turns_anticlockwise():
    image = np.zeros((1, 5, 5))
    image[0, 0, 2] = 1  # the top
    assert rotate(image, 90)[0, 2, 0] == pytest.approx(1)  # is now on the left


@EACH
def test_every_step_looks_things_up_as_scipy_does(augment):
    from scipy import ndimage

    images = noise(3, 12, 9, dtype=np.float64)
    rows = (np.arange(12) - 5.5).reshape(1, 1, -1, 1).repeat(3, axis=0)
    cols = (np.arange(9) - 4.0).reshape(1, 1, 1, -1).repeat(3, axis=0)
    rows, cols = augment.move(rows, cols, np.random.default_rng(3))
    places = np.broadcast_arrays(rows[:, 0] + 5.5, cols[:, 0] + 4.0)
    expected = [
        ndimage.map_coordinates(image, place, order=1, mode="grid-constant", cval=0.3)
        for image, place in zip(images, np.stack(places, axis=1), strict=True)
    ]
    np.testing.assert_allclose(
        Compose(augment, fill=0.3)(images, rng=3), expected, rtol=0, atol=1e-12
    )


# ------------------------------------------------------------------------------------------------
# What each step does
# ------------------------------------------------------------------------------------------------


def test_rotations_are_spread_over_all_angles_up_to_the_largest():
    turned = Rotate(40)(np.repeat(bar(), 400, axis=0), rng=0)
    rows, cols = np.indices((28, 28)) - 13.5
    angles = [
        0.5 * np.arctan2(2 * (rows * cols * one).sum(), ((rows**2 - cols**2) * one).sum())
        for one in turned
    ]
    degrees = np.degrees(angles)
    assert 37 < degrees.max() < 41
    assert -41 < degrees.min() < -37
    assert abs(degrees.mean()) < 4
    assert degrees.std() == pytest.approx(40 / math.sqrt(3), rel=0.1)  # all are equally likely
    np.testing.assert_allclose([middle_of(one) for one in turned], 13.5, atol=0.1)


def test_shifts_move_the_ink_both_ways_and_by_parts_of_a_pixel():
    image = np.zeros((1, 20, 30))
    image[0, 9:11, 14:16] = 1
    moved = np.array([middle_of(one) for one in Shift(3)(np.repeat(image, 400, axis=0), rng=0)])
    moved -= middle_of(image[0])
    assert (moved.max(axis=0) > 2.9).all()
    assert (moved.max(axis=0) <= 3.01).all()
    assert (moved.min(axis=0) < -2.9).all()
    assert (moved.min(axis=0) >= -3.01).all()
    assert (
        abs(np.corrcoef(moved.T)[0, 1]) < 0.15
    )  # down and sideways have nothing to do with another
    assert len(np.unique(moved.round(3))) > 300


def test_zooms_make_larger_and_smaller_about_the_middle():
    image = np.zeros((1, 28, 28))
    image[0, 9:19, 9:19] = 1  # 100 pixels
    zoomed = Zoom(0.3)(np.repeat(image, 400, axis=0), rng=0)
    areas = zoomed.sum(axis=(1, 2))
    assert 0.95 * 130**2 / 100 < areas.max() < 1.1 * 130**2 / 100
    assert 0.85 * 70**2 / 100 < areas.min() < 1.05 * 70**2 / 100
    np.testing.assert_allclose([middle_of(one) for one in zoomed], 13.5, atol=1e-6)


def test_shears_slant_and_keep_every_row_where_it_is():
    slanted = Shear(30)(np.repeat(bar(), 400, axis=0), rng=0)
    np.testing.assert_allclose(slanted.sum(axis=2), bar().sum(axis=2).repeat(400, axis=0))
    columns = (slanted * np.arange(28)).sum(axis=2)[:, 4:-4] / slanted.sum(axis=2)[:, 4:-4]
    degrees = np.degrees(np.arctan(-np.diff(columns, axis=1).mean(axis=1)))
    assert 28 < degrees.max() < 30.1
    assert -30.1 < degrees.min() < -28


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (12, 30)])
@pytest.mark.parametrize("smoothness", [0.1, 1.5, 4, 50])
def test_elastic_pushes_have_the_given_strength_everywhere(shape, smoothness):
    rows = np.zeros((4000, 1, shape[0], 1), np.float32)
    cols = np.zeros((4000, 1, 1, shape[1]), np.float32)
    down, right = Elastic(1.3, smoothness).move(rows, cols, np.random.default_rng(0))
    assert down.shape == right.shape == (4000, 1, *shape)
    for pushes in (down, right):
        np.testing.assert_allclose(pushes.std(axis=0), 1.3, rtol=0.08)  # at the rim as well
        np.testing.assert_allclose(pushes.mean(axis=0), 0, atol=0.11)
    assert abs(np.corrcoef(down[:, 0, 3, 3], right[:, 0, 3, 3])[0, 1]) < 0.06


def test_elastic_pushes_are_those_of_a_gaussian_over_noise():
    from scipy import ndimage

    rows, cols = np.zeros((2, 1, 40, 1)), np.zeros((2, 1, 1, 40))
    down, right = Elastic(1, 2).move(rows, cols, np.random.default_rng(5))
    pushes = np.random.default_rng(5).random((40, 2, 2, 40), dtype=np.float32) - 0.5
    for axis, found in enumerate([down, right]):
        for image in range(2):
            smooth = ndimage.gaussian_filter(pushes[:, axis, image], 2, mode="constant")
            inner = (slice(12, -12), slice(12, -12))
            # 1/√12 is scaled to 1, and so is the length of a Gaussian, 1/(2·σ·√π)
            scale = math.sqrt(12) * 2 * 2 * math.sqrt(math.pi)
            np.testing.assert_allclose(
                found[image, 0][inner], scale * smooth[inner], rtol=0, atol=2e-3
            )


def test_elastic_neighbors_move_together_and_distant_parts_do_not():
    zeros = np.zeros((3000, 1, 28, 1)), np.zeros((3000, 1, 1, 28))
    down, _ = Elastic(1, 4).move(*zeros, np.random.default_rng(0))
    corner, beside, across = down[:, 0, 5, 5], down[:, 0, 5, 6], down[:, 0, 24, 24]
    # two Gaussians a distance d apart overlap by exp(−d²/4σ²)
    assert np.corrcoef(corner, beside)[0, 1] == pytest.approx(math.exp(-1 / 64), abs=0.01)
    assert abs(np.corrcoef(corner, across)[0, 1]) < 0.06


def test_a_composition_does_the_first_step_first():
    class Fixed(Augmentation):
        def __init__(self, move):
            self._move = move

        def move(self, rows, cols, rng):
            return self._move(rows, cols)

    quarter = Fixed(lambda rows, cols: (cols, -rows))  # anticlockwise
    right = Fixed(lambda rows, cols: (rows, cols - 1))
    image = np.zeros((1, 3, 3))
    image[0, 0, 1] = 1  # the top; turned, it is on the left; moved, in the middle
    assert Compose(quarter, right)(image, 0)[0, 1, 1] == 1
    assert Compose(right, quarter)(image, 0)[0, 0, 0] == 1  # first to the corner, then turned
    assert Compose(Compose(quarter), right)(image, 0)[0, 1, 1] == 1


def test_a_composition_blurs_once():
    image = noise(200, 28, 28)
    steps = [Shift(0.5), Shift(0.5), Shift(0.5), Shift(0.5)]
    one_by_one = image
    for step in steps:
        one_by_one = step(one_by_one, rng=0)
    inner = (slice(None), slice(4, -4), slice(4, -4))
    contrast = [part[inner].std() for part in (one_by_one, Compose(*steps)(image, 0), image)]
    assert contrast[0] < 0.6 * contrast[2]
    assert contrast[1] / contrast[2] == pytest.approx(2 / 3, rel=0.01)  # what one look leaves


def test_steps_of_size_zero_leave_images_as_they_are():
    images = noise(40, 9, 7)
    nothing = Compose(Rotate(0), Shift(0), Zoom(0), Shear(0), Elastic(0))
    for augment in (nothing, *nothing.steps, Compose()):
        np.testing.assert_allclose(augment(images, 0), images, rtol=0, atol=1e-6)
    np.testing.assert_allclose(rotate(images, 0), images, rtol=0, atol=1e-6)


def test_digits_stay_readable():
    """What a nearest-neighbor reader knows, it reads in changed images too: they are not torn."""
    from sklearn.neighbors import KNeighborsClassifier

    digits = load_digits()
    reader = KNeighborsClassifier(3).fit(np.asarray(digits.x_train), digits.y_train)
    augment = Compose(Rotate(8), Shift(0.3), Zoom(0.1), Shear(5), Elastic(0.2, smoothness=1.5))
    changed = augment(digits.x_test, rng=0)
    assert np.abs(changed - np.asarray(digits.x_test)).mean() > 0.05
    assert reader.score(changed, digits.y_test) > 0.9


# ------------------------------------------------------------------------------------------------
# Batches: shapes, types, seeds
# ------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_type_and_range_stay(augment, dtype):
    images = (noise(70, 9, 9) > 0.5).astype(dtype)  # 0 and 1, the ends of the range
    for shape in [(70, 9, 9), (70, 1, 9, 9), (70, 81), (35, 2, 9, 9)]:
        changed = augment(images.reshape(shape), rng=0)
        assert (changed.shape, changed.dtype) == (shape, dtype)
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert changed.flags.writeable


@EACH
def test_all_ways_to_lay_out_an_image_give_the_same(augment):
    images = noise(70, 9, 9)
    changed = augment(images, rng=0)
    np.testing.assert_array_equal(augment(images[:, None], rng=0)[:, 0], changed)
    np.testing.assert_array_equal(augment(images.reshape(70, 81), rng=0).reshape(70, 9, 9), changed)
    np.testing.assert_array_equal(augment(images.transpose(2, 0, 1).transpose(1, 2, 0), 0), changed)
    np.testing.assert_array_equal(augment(np.repeat(images[:, None], 3, axis=1), 0)[:, 2], changed)


def test_flat_images_that_are_not_square():
    images = noise(5, 4, 9)
    wide = Compose(*STEPS, image_shape=(4, 9))
    np.testing.assert_array_equal(wide(images.reshape(5, 36), 0).reshape(5, 4, 9), ALL(images, 0))
    turned = rotate(images.reshape(5, 36), 33, image_shape=(4, 9))
    np.testing.assert_array_equal(turned.reshape(5, 4, 9), rotate(images, 33))
    square = Rotate(33)(images.reshape(5, 36), 0)  # by itself 36 pixels are taken for 6×6
    np.testing.assert_array_equal(square, Rotate(33, image_shape=(6, 6))(images.reshape(5, 36), 0))


@EACH
def test_one_seed_gives_the_same_images_to_the_last_bit(augment):
    images = noise(70, 9, 9)
    changed = augment(images, rng=7)
    assert augment(images, rng=7).tobytes() == changed.tobytes()
    assert augment(images, rng=np.random.default_rng(7)).tobytes() == changed.tobytes()
    assert augment(images, rng=8).tobytes() != changed.tobytes()
    generator = np.random.default_rng(7)
    augment(images, generator)
    assert augment(images, generator).tobytes() != changed.tobytes()  # each batch is another


@EACH
def test_each_image_of_a_batch_is_changed_in_its_own_way(augment):
    changed = augment(np.repeat(noise(1, 9, 9), 70, axis=0), rng=0)
    assert len(np.unique(changed.reshape(70, -1), axis=0)) == 70


@EACH
def test_neither_the_images_nor_numpys_global_seed_are_touched(augment):
    images = noise(40, 9, 9)
    images.flags.writeable = False
    state = np.random.get_state()[1].copy()  # noqa: NPY002 (to see that nobody uses it)
    assert not np.shares_memory(augment(images, rng=0), images)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_the_outside_is_filled():
    white = np.ones((50, 8, 8))
    moved = Shift(3, fill=0.25)(white, rng=0)
    assert (moved.min(), moved.max()) == (0.25, 1.0)
    assert Compose(Rotate(45), Shift(3), fill=0.25)(white, rng=0).min() == 0.25
    assert rotate(white, 45).min() == 0


@EACH
def test_no_images_and_pixels_and_lists(augment):
    assert augment(np.zeros((0, 64)), rng=0).shape == (0, 64)
    assert augment(np.zeros((2, 2, 2)).tolist(), rng=0).shape == (2, 2, 2)
    pixels = load_digits().x_test
    np.testing.assert_array_equal(augment(pixels, rng=0), augment(np.asarray(pixels), rng=0))


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Rotate(-1), ValueError, "expected degrees, at least 0, got -1"),
        (lambda: Rotate(math.nan), ValueError, "expected degrees, at least 0, got nan"),
        (lambda: Rotate(math.inf), ValueError, "expected degrees, at least 0, got inf"),
        (lambda: Rotate("10"), TypeError, "expected degrees to be a number, got '10'"),
        (lambda: Rotate(True), TypeError, "expected degrees to be a number, got True"),
        (lambda: Shift(-2), ValueError, "expected pixels, at least 0, got -2"),
        (lambda: Shift((1, 2)), TypeError, r"expected pixels to be a number, got \(1, 2\)"),
        (lambda: Zoom(1), ValueError, "expected share, at least 0 and below 1, got 1"),
        (lambda: Zoom(-0.1), ValueError, "expected share, at least 0 and below 1, got -0.1"),
        (lambda: Shear(90), ValueError, "expected degrees, at least 0 and below 90, got 90"),
        (lambda: Elastic(-1), ValueError, "expected strength, at least 0, got -1"),
        (lambda: Elastic(1, 0), ValueError, "expected smoothness, at least 0.1, got 0"),
        (lambda: Rotate(1, fill=math.nan), ValueError, "expected fill, a finite number, got nan"),
        (lambda: Compose(Rotate(1), fill="white"), TypeError, "expected fill to be a number"),
        (lambda: Compose(Rotate), TypeError, "expected augmentations, got <class"),
        (lambda: Compose([Rotate(1)]), TypeError, "expected augmentations, got .Rotate"),
        (
            lambda: Compose(Rotate(1, fill=0.01)),
            ValueError,
            "a fill or an image_shape of its own, .* give both to the Compose",
        ),
        (lambda: rotate(noise(1, 4, 4), math.inf), ValueError, "expected degrees, a finite number"),
        (lambda: rotate(noise(1, 4, 4), None), TypeError, "expected degrees to be a number"),
        (lambda: Augmentation(), TypeError, "abstract"),
    ],
)
def test_numbers_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()


@EACH
@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (noise(64), ValueError, r"got \(64,\); a single image becomes many with images\[None\]"),
        (noise(2, 2, 2, 2, 2), ValueError, r"expected images of shape .* got \(2, 2, 2, 2, 2\)"),
        (noise(28, 28), ValueError, r"28 pixels make no square; .* image_shape=\(height, width\)"),
        (np.zeros((5, 64), np.uint8), TypeError, r"got uint8; .* images / np.float32\(255\)"),
        (np.zeros((5, 64), np.float16), TypeError, "got float16"),
        (np.zeros((5, 64), complex), TypeError, "got complex128"),
    ],
)
def test_images_that_do_not_fit(augment, images, error, message):
    for change in (augment, lambda images, rng: rotate(images, 10)):
        with pytest.raises(error, match=message):
            change(images, 0)


@pytest.mark.parametrize("shape", [8, "88", (8.0, 8.0), (-8, -8), (8, 8, 1), (0, 8)])
def test_an_image_shape_that_is_none(shape):
    message = r"expected image_shape=\(height, width\), two whole numbers from 1, got"
    for images in (noise(2, 64), noise(2, 8, 8)):
        with pytest.raises(ValueError, match=message):
            Rotate(1, image_shape=shape)(images, 0)
        with pytest.raises(ValueError, match=message):
            rotate(images, 1, image_shape=shape)


def test_an_image_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"image_shape=\(5, 5\) makes 25 pixels, .* has 64"):
        Rotate(1, image_shape=(5, 5))(noise(2, 64), 0)
    with pytest.raises(
        ValueError, match=r"expected images of \(5, 5\) pixels, got shape \(2, 8, 8\)"
    ):
        Rotate(1, image_shape=(5, 5))(noise(2, 8, 8), 0)
