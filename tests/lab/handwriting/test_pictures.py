"""Pictures of handwriting: read whatever the file, brought to MNIST's form whatever the paper."""

import io
import os
import struct
import zlib
from contextlib import suppress
from itertools import cycle

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("scipy")

from PIL import Image, ImageDraw
from scipy import ndimage

from tinygrad_edu.datasets.mnist import load_mnist
from tinygrad_edu.lab.handwriting import PictureError, read_picture, read_pictures, to_mnist
from tinygrad_edu.lab.handwriting.pictures import label_of

from .drawn import BLANKS, PAPERS, enlarge, framed, gray_picture, write

MNIST = os.environ.get("TINYGRAD_EDU_DATA", "")  # before conftest hides it from the other tests


def through_a_file(picture, folder, name=None):
    """Return what is read from a file that the picture was saved in."""
    kind = "jpg" if picture.mode == "CMYK" else "png"
    file = folder / (name or f"picture.{kind}")
    picture.save(file)
    return read_picture(file)


def likeness(a, b):
    """Return how alike two images are, 1 for the same: their correlation, at the best shift by a dot."""
    shifted = [np.roll(b, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(a.ravel(), other.ravel())[0, 1]) for other in shifted)


def digit(number, seed=0, pen=0.13, size=150, hand=0):
    return write(number, np.random.default_rng(seed), size, pen, hand)


# ------------------------------------------------------------------------------------------------
# Every kind of paper
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paper", "number"), list(zip(PAPERS, cycle([2, 4, 8, 5, 3]), strict=False))
)
def test_on_any_paper_a_digit_ends_up_as_on_plain_paper(paper, number, tmp_path):
    rng = np.random.default_rng(number)
    coverage = digit(number, size=(200 if "table" in paper else 130))
    wanted = to_mnist(read_gray(1 - framed(coverage))).image
    prepared = to_mnist(through_a_file(PAPERS[paper](coverage, rng), tmp_path))
    assert not prepared.blank
    assert likeness(prepared.image, wanted) > 0.8, prepared.notes


def read_gray(brightness):
    return np.asarray(gray_picture(brightness))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("paper", BLANKS)
def test_where_nothing_is_written_nothing_is_read(paper, seed, tmp_path):
    prepared = to_mnist(through_a_file(BLANKS[paper](np.random.default_rng(seed)), tmp_path))
    assert prepared.blank
    assert "blank" in prepared.notes
    assert not prepared.image.any()


@pytest.mark.parametrize("left", [40, 60, 90, 700])
@pytest.mark.parametrize("width", [3, 6, 10])
def test_a_straight_one_near_the_border_is_no_edge_of_a_sheet(width, left):
    top, height = [(60, 130), (200, 80), (330, 200)][(left + width) % 3]
    brightness = np.full((600, 800), 0.9, np.float32)
    brightness[top : top + height, left : left + width] = 0.2
    prepared = to_mnist(read_gray(brightness))
    assert not prepared.blank
    rows, columns = np.nonzero(prepared.cleaned)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx((height, width), abs=5)


@pytest.mark.parametrize(
    "seed", [2, 3, 4, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 12))]
)
def test_the_edges_of_an_empty_sheet_on_a_table_are_no_writing(seed):
    sheet = BLANKS["sheet"](np.random.default_rng(seed))
    assert to_mnist(np.asarray(sheet.convert("L"))).blank


# ------------------------------------------------------------------------------------------------
# MNIST's form
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(10))
def test_a_digit_fills_a_box_of_20_dots_about_its_center_of_mass(number):
    prepared = to_mnist(read_gray(1 - framed(digit(number))))
    image = prepared.image.astype(float)
    assert (image.shape, prepared.image.dtype) == ((28, 28), np.uint8)
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20 == max(prepared.boxed.shape)
    assert image.max() == 255
    assert (image[0].max(), image[:, 0].max()) == (0, 0)
    center = (np.indices(image.shape) * image).sum(axis=(1, 2)) / image.sum()
    np.testing.assert_allclose(center, 13.5, atol=0.55)  # whole dots are as near as it gets


def test_the_aspect_stays():
    tall, wide = np.ones((2, 90, 90), np.float32)
    tall[10:80, 30:42] = 0
    wide[30:42, 10:80] = 0
    assert to_mnist(read_gray(tall)).boxed.shape == (20, 3)
    assert to_mnist(read_gray(wide)).boxed.shape == (3, 20)


@pytest.mark.parametrize(("pen", "said"), [(0.02, "thickened"), (0.12, None), (0.28, "thinned")])
def test_strokes_become_about_as_wide_as_those_of_mnist(pen, said):
    prepared = to_mnist(read_gray(1 - framed(digit(7, pen=pen, size=300))))
    assert (said is None) == (not any("strokes" in note for note in prepared.notes))
    assert said is None or said in prepared.notes[-1]
    down_the_leg = prepared.image[16:22].astype(float).sum(axis=1) / 255
    assert (down_the_leg > 1.7).all()
    assert (down_the_leg < 4.7).all()


@pytest.mark.parametrize("side", [28, 60, 300, 500, 960])
def test_lines_of_a_single_dot_are_strokes_as_well(side):
    images = []
    for width in (1, max(3, side // 12)):
        picture = Image.new("L", (side, side), 255)
        oval = (0.3 * side, 0.2 * side, 0.7 * side, 0.8 * side)
        ImageDraw.Draw(picture).arc(oval, 130, 430, fill=0, width=width)  # not quite closed
        images.append(to_mnist(np.asarray(picture)).image)
    assert likeness(*images) > 0.7


def test_an_image_in_mnists_form_stays_as_it_is():
    image = to_mnist(read_gray(1 - framed(digit(3)))).image
    again = to_mnist(image)
    assert again.notes == ("light on dark",)
    assert likeness(image, again.image) > 0.98


@pytest.mark.parametrize("hand", range(3))
@pytest.mark.parametrize("tone", [130, 140])
def test_the_faint_half_of_a_loop_is_ink_as_well(tone, hand):
    coverage = framed(digit(9, pen=0.1, size=200, hand=hand), 0.4)
    (rows, columns), (y, x) = np.nonzero(coverage > 0.5), np.indices(coverage.shape)
    upper_left = (y < np.mean([rows.min(), rows.max()])) & (
        x < np.mean([columns.min(), columns.max()])
    )
    ink = np.where(upper_left, tone, 90)
    blurred = ndimage.gaussian_filter(170 + (ink - 170) * coverage, 5)
    whole = ndimage.gaussian_filter(170 - 80 * coverage, 5)
    assert likeness(to_mnist(np.uint8(blurred)).image, to_mnist(np.uint8(whole)).image) > 0.85


def test_a_stroke_that_fades_and_breaks_stays_whole_and_a_smear_beside_it_is_none():
    picture = np.full((300, 300), 220.0)
    picture[40:150, 140:156] = 60
    picture[150:156, 140:156] = 220  # a gap
    picture[156:260, 140:156] = 170  # where the pen runs dry
    picture[60:200, 200:206] = 205  # as faint, but it goes on from nothing
    rows, columns = np.nonzero(to_mnist(np.uint8(picture)).cleaned > 0.5)
    assert (rows.min(), rows.max()) == pytest.approx((40, 259), abs=3)
    assert columns.max() < 165


def test_which_is_ink_is_told_by_the_border():
    dark = read_gray(1 - framed(digit(5)))
    assert to_mnist(dark).notes[0] == "dark on light"
    assert to_mnist(255 - dark).notes[0] == "light on dark"
    np.testing.assert_array_equal(to_mnist(dark).image, to_mnist(255 - dark).image)


def test_every_step_is_kept_and_large_pictures_are_scaled_with_a_notice():
    picture = np.full((900, 1200), 255, np.uint8)
    picture[300:700, 500:560] = 30
    prepared = to_mnist(picture)
    assert prepared.notes[0] == "1200×900 scaled down"
    assert prepared.given is picture
    assert prepared.ink.shape == prepared.cleaned.shape == (600, 800)
    assert prepared.ink.max() == 1.0


def test_a_digit_in_parts_stays_whole_and_crumbs_go():
    picture = np.full((200, 200), 255, np.uint8)
    picture[40:52, 70:130] = 0  # the bar of a 5, apart from the rest of it
    picture[60:160, 70:82] = 0
    picture[10:13, 10:13] = 0  # a crumb
    prepared = to_mnist(picture)
    assert "in 2 parts" in prepared.notes
    rows, columns = np.nonzero(prepared.cleaned)
    assert (rows.min(), columns.min()) > (15, 15)
    assert prepared.boxed[:2].mean() > 200


def test_a_box_drawn_around_a_digit_is_left_out():
    sheet = framed(digit(0), 0.5)
    wanted = to_mnist(read_gray(1 - sheet)).image
    sheet[30:33, 30:-30] = sheet[-33:-30, 30:-30] = 1
    sheet[30:-30, 30:33] = sheet[30:-30, -33:-30] = 1
    prepared = to_mnist(read_gray(1 - sheet))
    assert "a frame left out" in prepared.notes
    assert likeness(prepared.image, wanted) > 0.95


def test_of_a_note_on_a_table_the_note_is_read():
    picture = PAPERS["note on a table"](digit(0, size=200), np.random.default_rng(3))
    assert "a sheet cut out" in to_mnist(np.asarray(picture.convert("L"))).notes


@pytest.mark.parametrize("pen", [0.13, 0.25, 0.35])
def test_a_thick_digit_is_no_sheet(pen):
    for number in range(10):
        sheet = read_gray(framed(digit(number, pen=pen)))
        prepared = to_mnist(sheet if (number + round(10 * pen)) % 2 else 255 - sheet)
        assert not prepared.blank
        assert "a sheet cut out" not in prepared.notes


@pytest.mark.parametrize("gap", [30, 60])
def test_the_bar_of_a_5_belongs_to_it_though_it_touches_the_border_and_a_pen_does_not(gap):
    picture = np.full((300, 300), 255, np.uint8)
    picture[100:250, 100:115] = picture[235:250, 100:180] = 0
    alone = to_mnist(picture).image
    picture[: 100 - gap, 100:115] = 0  # comes in from the border
    assert (to_mnist(picture).image == alone).all()
    picture[:95, 100:115] = 0  # all but touches
    assert "in 2 parts" in to_mnist(picture).notes


def test_several_digits_are_noticed():
    two = np.hstack([framed(digit(4, size=150), 0.1), framed(digit(2, size=150), 0.1)])
    height = max(two.shape)
    sheet = np.zeros((height, height), np.float32)
    sheet[50 : 50 + two.shape[0], : two.shape[1]] = two
    assert any("several digits" in note for note in to_mnist(read_gray(1 - sheet)).notes)


@pytest.mark.parametrize("number", range(10))
def test_the_form_of_the_small_digits(number):
    prepared = to_mnist(read_gray(1 - framed(digit(number))), size=8)
    assert prepared.image.shape == (8, 8)
    assert prepared.image.max() == 255
    assert np.any(prepared.image, axis=1).all()  # they fill the whole height


@pytest.mark.parametrize(
    "picture",
    [
        *(np.zeros((3, 20, 20), np.uint8), np.zeros((20, 20)), np.zeros(20, np.uint8)),
        *(np.zeros((0, 0), np.uint8), np.zeros((0, 5), np.uint8), np.zeros((5, 0), np.uint8)),
    ],
    ids=["three axes", "floats", "one axis", "0×0", "0×5", "5×0"],
)
def test_only_pictures_of_bytes(picture):
    with pytest.raises(ValueError, match=r"uint8 of shape \(height, width\).*read_picture"):
        to_mnist(picture)


def test_only_known_forms():
    with pytest.raises(ValueError, match="28 for MNIST or 8"):
        to_mnist(np.zeros((20, 20), np.uint8), size=16)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (5, 5), (6, 3000), (2000, 7)], ids=str)
def test_odd_shapes_are_blank_or_read_but_never_an_error(shape):
    rng = np.random.default_rng(0)
    for picture in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
        assert to_mnist(picture).image.shape == (28, 28)


# ------------------------------------------------------------------------------------------------
# Files
# ------------------------------------------------------------------------------------------------


def a_five(mode="L"):
    return gray_picture(1 - framed(digit(5))).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "P", "F", "I;16"])
def test_modes(mode, tmp_path):
    kind = {"CMYK": "jpg", "YCbCr": "jpg", "F": "tif"}.get(mode, "png")
    wanted = np.asarray(a_five())
    picture = Image.fromarray(wanted.astype(np.uint16) * 257) if mode == "I;16" else a_five(mode)
    gray = through_a_file(picture, tmp_path, f"five.{kind}")
    assert gray.dtype == np.uint8
    assert np.corrcoef(gray.ravel(), wanted.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_formats(kind, tmp_path):
    assert through_a_file(a_five("RGB"), tmp_path, f"five.{kind}").shape == np.shape(a_five())


def test_16_bits_are_scaled_by_their_range(tmp_path):
    numbers = np.array([[0, 128 * 257], [100 * 257, 65535]], np.uint16)
    assert through_a_file(Image.fromarray(numbers), tmp_path).tolist() == [[0, 128], [100, 255]]


def test_transparent_pictures_lie_on_what_shows_their_ink(tmp_path):
    alpha = np.zeros((60, 60), np.uint8)
    alpha[10:50, 25:32] = 255
    for tone, ground in [(0, 255), (255, 0), (60, 255)]:
        plane = Image.fromarray(np.full_like(alpha, tone))
        gray = through_a_file(Image.merge("LA", [plane, Image.fromarray(alpha)]), tmp_path)
        assert (gray[0, 0], gray[30, 28]) == (ground, tone)


def test_a_sheet_with_transparent_corners_stays_paper(tmp_path):
    rgba = np.asarray(a_five("RGBA")).copy()
    rgba[:20, :20, 3] = 0
    gray = through_a_file(Image.fromarray(rgba), tmp_path)
    assert gray[0, 0] == 255


def test_a_color_that_shows_more_is_found_in_uneven_light(tmp_path):
    yellow = PAPERS["text marker"](digit(2), np.random.default_rng(0))
    gray = through_a_file(yellow, tmp_path)
    np.testing.assert_array_equal(gray, np.asarray(yellow)[..., 2])


def test_a_transparent_palette(tmp_path):
    picture = Image.new("P", (50, 50), 0)
    picture.putpalette([9, 9, 9, 0, 0, 0])
    picture.paste(1, (20, 10, 28, 40))
    picture.save(tmp_path / "p.png", transparency=0)
    gray = read_picture(tmp_path / "p.png")
    assert (gray[0, 0], gray[20, 22]) == (255, 0)


@pytest.mark.parametrize(("note", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_it_is_turned_as_the_camera_says(note, turns, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = note
    a_five().save(tmp_path / "p.png", exif=exif)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "p.png"), np.rot90(np.asarray(a_five()), turns)
    )


def test_of_an_animation_the_first_picture(tmp_path):
    a_five().save(tmp_path / "p.gif", save_all=True, append_images=[Image.new("L", a_five().size)])
    assert read_picture(tmp_path / "p.gif").mean() > 128


# ------------------------------------------------------------------------------------------------
# Files that are none
# ------------------------------------------------------------------------------------------------


def png_header(width, height):
    """Return a PNG file of few bytes that promises many dots."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def encoded(kind):
    file = io.BytesIO()
    a_five("RGB").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bomb.png", png_header(8000, 8000), "8000×8000 dots.*50,000,000.*scale it down"),
        ("large_bomb.png", png_header(100_000, 100_000), "dots"),
        ("empty.png", b"", "empty"),
        ("text.png", b"a 3, written out", "no picture"),
        ("phone.heic", b"\0\0\0\x18ftypheic", "save it as PNG or JPEG, rather than .heic"),
        ("cut.png", encoded("PNG")[:400], "damaged or cut short"),
        ("cut.jpg", encoded("JPEG")[:900], "damaged or cut short"),
        ("head.png", encoded("PNG")[:20], "no picture|damaged"),
        ("program.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=said) as caught:
        read_picture(tmp_path / name)
    assert name in str(caught.value)


def test_damage_anywhere_is_a_picture_error_or_a_picture(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "TIFF"):
        for _ in range(40):
            content = bytearray(encoded(kind))
            for place in rng.integers(len(content), size=5):
                content[place] = rng.integers(256)
            (tmp_path / "p").write_bytes(content)
            with suppress(PictureError):  # any other error fails the test, and so does a warning
                assert read_picture(tmp_path / "p").ndim == 2


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_dots_that_are_no_numbers_are_refused(strange, tmp_path):
    numbers = np.full((40, 40), 0.5, np.float32)
    numbers[3, 3] = strange
    Image.fromarray(numbers).save(tmp_path / "p.tif")
    with pytest.raises(PictureError, match="1 of its dots are NaN or infinite"):
        read_picture(tmp_path / "p.tif")


def test_a_path_that_cannot_be_one(tmp_path):
    for read in (read_picture, read_pictures):
        with pytest.raises(PictureError, match="NUL"):
            read(str(tmp_path / "a\0b.png"))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_large_pictures_are_made_smaller_as_they_are_read(mode, tmp_path):
    picture = Image.new("L", (2600, 500), 255)
    ImageDraw.Draw(picture).line((1000, 100, 1000, 400), fill=0, width=40)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    gray = through_a_file(picture, tmp_path)
    assert gray.shape == (250, 1300)
    assert (gray[10, 10], gray[125, 500]) == (255, 0)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="none"):
        read_pictures(tmp_path / "none")


# ------------------------------------------------------------------------------------------------
# Folders and names
# ------------------------------------------------------------------------------------------------


def test_a_folder_in_the_order_of_its_names_bad_files_among_the_others(tmp_path):
    for name in ("10_a.png", "2_b.JPG", "1_c.jpeg"):
        a_five().save(tmp_path / name)
    (tmp_path / "3_broken.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "._2_b.png").write_bytes(b"what macOS leaves behind")
    (tmp_path / "4_folder.png").mkdir()
    found = list(read_pictures(tmp_path))
    assert [p.path.name for p in found] == ["1_c.jpeg", "2_b.JPG", "3_broken.png", "10_a.png"]
    assert [p.label for p in found] == [1, 2, 3, None]
    assert [p.gray is None for p in found] == [False, False, True, False]
    assert "empty" in found[2].error


def test_files_and_folders_together(tmp_path):
    (tmp_path / "more").mkdir()
    a_five().save(tmp_path / "more" / "7.png")
    a_five().save(tmp_path / "photo", "PNG")
    found = list(read_pictures([tmp_path / "photo", str(tmp_path / "more")]))
    assert [(p.path.name, p.label) for p in found] == [("photo", None), ("7.png", 7)]


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(PictureError, match=r"holds no pictures.*\.png"):
        read_pictures(tmp_path)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("3.png", 3), ("03.png", None), ("own_3.png", 3), ("7_thin_pen.jpg", 7), ("digit-4 (2).png", 4),
        ("2828_my_own_3.png", 3), ("2828_my_own_noisy_6.png", 6), ("Label_0_id12.png", 0), ("my9.jpeg", 9),
        ("3_2.png", 3), ("3a.png", 3), ("five.png", 5), ("thick-Eight.png", 8), ("5 copy.png", 5),
        ("IMG_2034.jpg", None), ("IMG_4.jpg", None), ("DSC00007.JPG", None), ("scan 3.png", None),
        ("2024-03-05.png", None), ("5.3.2024.png", None), ("800x600.png", None), ("picture.png", None),
        ("1234.png", None), ("Screenshot 2026-01-02 at 3.png", None), ("one_or_7.png", 1), ("a2b3.png", None),
    ],
)  # fmt: skip
def test_labels_by_name(name, label):
    assert label_of(name) == label


def test_running_numbers_are_no_labels(tmp_path):
    for number in range(1, 20):
        a_five().save(tmp_path / f"digit{number}.png")
    a_five().save(tmp_path / "own_3.png")
    found = {picture.path.name: picture.label for picture in read_pictures(tmp_path)}
    assert found.pop("own_3.png") == 3
    assert set(found.values()) == {None}
    assert next(read_pictures(tmp_path / "digit3.png")).label is None


def test_a_number_that_ends_at_9_is_a_label():
    names = [f"digit{number}.png" for number in range(10)]
    assert [label_of(name, names) for name in names] == list(range(10))
    samples = [f"3_{number}.png" for number in range(1, 20)]
    assert {label_of(name, samples) for name in samples} == {3}


# ------------------------------------------------------------------------------------------------
# Real hands
# ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="TINYGRAD_EDU_DATA names no folder with MNIST")
def test_what_a_network_reads_of_mnist_it_also_reads_on_any_paper(tmp_path):
    from tinygrad_edu.lab.recipes import convolution

    data = load_mnist(MNIST)
    model, _ = convolution(data, epochs=2, rng=0, verbose=False)
    rng = np.random.default_rng(1)
    images = data.x_test.raw.reshape(-1, 28, 28)
    right = {}
    for name, paper in PAPERS.items():
        chosen = rng.integers(len(images), size=20)
        sheets = [paper(enlarge(images[i], int(rng.integers(120, 250))), rng) for i in chosen]
        seen = [to_mnist(through_a_file(sheet, tmp_path)).image.ravel() for sheet in sheets]
        answers = model.predict(np.array(seen, np.float32) / 255).argmax(axis=1)
        right[name] = np.mean(answers == data.y_test[chosen])
    assert np.mean(list(right.values())) > 0.97, right
    assert min(right.values()) >= 0.8, right
