"""MNIST as CSV: every way to write it, every way to write it wrongly, and how little memory it takes."""

import gzip
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.datasets import Pixels, load_digits, stream_csv, write_csv
from tinygrad_edu.datasets.csv_file import load_csv, read_csv

MNIST = os.environ.get("TINYGRAD_EDU_DATA")
RNG = np.random.default_rng(0)
RAW = RNG.integers(0, 256, (300, 9), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 300)
SMALL = "5,0,255\n0,7,8\n4,1,2\n"


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file, and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "images.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def everything(path, batch_size=1, **options):
    pixels, labels = zip(*stream_csv(path, batch_size, **options), strict=True)
    return np.concatenate(pixels).tolist(), np.concatenate(labels).tolist()


# ------------------------------------------------------------------------------------------------
# There and back
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["images.csv", "images.csv.gz"])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("kind", [lambda raw: raw, Pixels, lambda raw: raw.reshape(-1, 3, 3)])
def test_what_is_written_is_read(tmp_path, name, header, kind):
    path = tmp_path / name
    write_csv(path, kind(RAW), LABELS, header=header)
    x, y = read_csv(path)
    assert isinstance(x, Pixels)
    np.testing.assert_array_equal(x.raw, RAW)
    np.testing.assert_array_equal(y, LABELS)
    assert y.dtype == np.int64


def test_the_file_is_what_the_format_says(tmp_path):
    write_csv(tmp_path / "a.csv", np.array([[0, 255], [3, 20]], np.uint8), [5, 12], header=True)
    assert (tmp_path / "a.csv").read_bytes() == b"label,pixel0,pixel1\n5,0,255\n12,3,20\n"


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100, 128, 129, 300, 1000])
def test_batches_come_in_order_and_all_once(tmp_path, batch_size):
    write_csv(tmp_path / "a.csv", RAW, LABELS)
    batches = list(stream_csv(tmp_path / "a.csv", batch_size))
    sizes = [len(labels) for _, labels in batches]
    assert sizes == [min(batch_size, 300 - start) for start in range(0, 300, batch_size)]
    for pixels, labels in batches:
        assert (pixels.dtype, labels.dtype) == (np.uint8, np.int64)
        assert pixels.shape == (len(labels), 9)
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), RAW)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


def test_two_files_make_a_dataset(tmp_path):
    digits = load_digits()
    for name in ("train", "test"):
        x, y = getattr(digits, f"x_{name}"), getattr(digits, f"y_{name}")
        write_csv(tmp_path / f"small_{name}.csv.gz", x, y, header=name == "test")
    data = load_csv(tmp_path / "small_train.csv.gz", tmp_path / "small_test.csv.gz")
    for part in ("x_train", "x_test"):
        np.testing.assert_array_equal(getattr(data, part).raw, getattr(digits, part).raw)
    np.testing.assert_array_equal(data.y_test, digits.y_test)
    assert (data.name, data.image_shape, data.class_names) == (
        "small_train", (8, 8), tuple("0123456789"),
    )  # fmt: skip
    assert "small_train.csv.gz and " in data.note


def test_images_that_are_not_square(tmp_path):
    write_csv(tmp_path / "a.csv", RAW[:, :6], LABELS)
    path = tmp_path / "a.csv"
    assert load_csv(path, path, image_shape=(2, 3)).image_shape == (2, 3)
    with pytest.raises(ValueError, match=r"6 pixels, which make no square; is a column missing\?"):
        load_csv(path, path)
    with pytest.raises(ValueError, match="6 pixels, which do not make 2×4"):
        load_csv(path, path, image_shape=(2, 4))
    for shape in [(-2, -3), (2.0, 3.0), 6]:
        with pytest.raises(ValueError, match="two whole numbers from 1, got"):
            load_csv(path, path, image_shape=shape)
    write_csv(tmp_path / "b.csv", RAW, LABELS)
    with pytest.raises(ValueError, match=r"a.csv has 6 pixels an image, and .*b.csv has 9"):
        load_csv(path, tmp_path / "b.csv")


def test_the_same_images_give_the_same_packed_file(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        write_csv(tmp_path / name, RAW, LABELS)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


# ------------------------------------------------------------------------------------------------
# Ways to write it
# ------------------------------------------------------------------------------------------------

EXPECTED = ([[0, 255], [7, 8], [1, 2]], [5, 0, 4])


@pytest.mark.parametrize(
    "content",
    [
        SMALL,
        SMALL.rstrip("\n"),
        SMALL.replace("\n", "\r\n"),
        SMALL.replace("\n", "\r"),
        "\ufeff" + SMALL,
        "\ufefflabel,a,b\r\n" + SMALL,
        "\n\n" + SMALL.replace("\n", "\n\n  \n,,\n"),
        SMALL.replace("\n", ",\n"),
        SMALL.replace(",", ";"),
        SMALL.replace(",", ";").replace("\n", ";\r\n"),
        SMALL.replace(",", "\t"),
        SMALL.replace(",", ", ").replace("\n", "  \n"),
        "label,pixel0,pixel1\n" + SMALL,
        '"label","pixel0","pixel1"\n' + SMALL,
        "label,0,1\n" + SMALL,
        "Label,1x1,1x2,\n" + SMALL.replace("\n", ",\n"),
        "pixel1,pixel2,class\n0,255,5\n7,8,0\n1,2,4\n",
        "a,label,b\n0,5,255\n7,0,8\n1,4,2\n",
        "5.0,0.0,255.0\n0,7,8\n4,1,2e0\n",
        '"5","0","255"\n"0","7","8"\n4,1,2\n',
    ],
)
def test_many_ways_to_write_the_same(write, content):
    assert everything(write(content)) == EXPECTED
    assert everything(write(content), batch_size=2) == EXPECTED
    assert everything(write(gzip.compress(content.encode()))) == EXPECTED  # whatever its name is


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (",label,pixel0,pixel1", r"column 1 \(without a name\) numbers the lines"),
        ('"",label,pixel0,pixel1', r"column 1 \(without a name\) numbers the lines"),
        ("Unnamed: 0,label,pixel0,pixel1", r"column 1 \(Unnamed: 0\) numbers the lines"),
        ("Unnamed: 0.1,label,pixel0,pixel1", r"column 1 \(Unnamed: 0\.1\)"),
        ("id,label,pixel0,pixel1", r"column 1 \(id\) .* holds no pixels; passed over"),
        ("ImageId,label,pixel0,pixel1", r"column 1 \(ImageId\)"),
        ("row_id,label,pixel0,pixel1", r"column 1 \(row_id\)"),
        ("index,label,pixel0,pixel1", r"column 1 \(index\)"),
        ("No.,label,pixel0,pixel1", r"column 1 \(No\.\)"),
    ],
)
@pytest.mark.parametrize("number", ["{}", "img_{}.png", '"{}"', ""])
def test_columns_that_number_the_lines_are_no_pixels_and_are_said(write, head, said, number):
    lines = [f"{number.format(i)},{line}" for i, line in enumerate(SMALL.splitlines())]
    with pytest.warns(UserWarning, match=rf"images\.csv: {said}") as warned:
        assert everything(write("\n".join([head, *lines]))) == EXPECTED
    assert len(warned) == 1
    assert warned[0].filename == __file__


def test_a_numbering_may_stand_anywhere(write):
    content = "pixel0,label,id,pixel1,\n0,5,a,255\n7,0,b,8\n1,4,c,2\n"
    with pytest.warns(UserWarning, match=r"column 3 \(id\)"):
        assert everything(write(content)) == EXPECTED


def test_mistakes_beside_a_numbering_are_placed(write):
    with (
        pytest.warns(UserWarning, match="numbers the lines"),
        pytest.raises(ValueError, match=r"line 3, column 4 \(b\): found"),
    ):
        everything(write("id,label,a,b\nx,1,0,0\ny,1,0,300\n"))
    with (
        pytest.warns(UserWarning, match="numbers the lines"),
        pytest.raises(ValueError, match="line 3: has 5 cells, expected 4"),
    ):
        everything(write("id,label,a,b\nx,1,0,0\ny,1,0,30,1\n"))


def test_more_than_ten_classes(write):
    assert everything(write("46,0\n300,1\n"), classes=400) == ([[0], [1]], [46, 300])


def test_only_zeros_are_no_mistake(write):
    assert everything(write("0,5,0\n" * 200))[1] == [0] * 200


# ------------------------------------------------------------------------------------------------
# Ways to write it wrongly
# ------------------------------------------------------------------------------------------------

GOOD = "5,0,255\n" * 200  # more than one block of lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; expected lines of a label and its pixels"),
        ("\n\r\n ,, \n", "is empty"),
        ("\ufeff", "is empty"),
        ("label,pixel0\n", "holds no image, only the line with the names"),
        ("5\n3\n", "line 1: has one cell only, '5'; expected a label and its pixels"),
        (GOOD + "5,0\n", "line 201: has 2 cells, expected 3 as in the first line, .* cut short"),
        (GOOD + "\n5,0,\n", "line 202: has 2 cells, expected 3"),
        (GOOD + "5,0,1,2\n" + GOOD, "line 201: has 4 cells, expected 3"),
        ("5,0\n" * 3 + GOOD, "line 4: has 3 cells, expected 2 .* a label and 1 pixels"),
        ("label,a,b\n5,0\n", "line 2: has 2 cells, expected 3"),
        (GOOD + "5,x,1\n", r"line 201, column 2 \(pixel 0\): found 'x', expected .* from 0 to 255"),
        (GOOD + "5,,1\n", r"line 201, column 2 \(pixel 0\): found '', expected a whole number"),
        ("label,up,down\n5,0,o\n", r"line 2, column 3 \(down\): found 'o'"),
        ("5,0,256\n", r"line 1, column 3 \(pixel 1\): found '256', expected .* from 0 to 255$"),
        ("5,0,-1\n", r"column 3 \(pixel 1\): found '-1'"),
        ("5,0,nan\n", "found 'nan'"),
        ("5,0,inf\n", "found 'inf'"),
        ("5,0,1e99\n", "found '1e99'"),
        ("5,0,0.5\n", "found '0.5', .* if pixels go from 0 to 1 here, multiply them by 255"),
        ("5,0,1_0\n", "line.* 1"),
        ("5,0,١\n", "line.* 1"),
        ("x,0,1\n", r"line 1, column 1 \(label\): found 'x', expected a whole number from 0 to 9$"),
        (
            GOOD + "10,0,1\n",
            r"column 1 \(label\): found '10', .* from 0 to 9; give classes= .*names",
        ),
        (
            "a,b,label\n0,1,10\n",
            r"column 3 \(label\): found '10', .* 0 to 9; give classes= if .*more$",
        ),
        ("-1,0,1\n", r"column 1 \(label\): found '-1'"),
        ("2.5,0,1\n", r"column 1 \(label\): found '2.5'"),
        ("0,5,3\n0,9,4\n0,7,5\n0,7,1\n", "labels seem to stand in the last column, .* from 1 to 5"),
        ("pixel0,pixel1\n0,1\n", "line 1: expected one column called label or class, found none"),
        ("label,class,a\n0,1,1\n", "found 2 among 3 names: label, class, a"),
        ("label,a,b,a\n0,1,1,1\n", "line 1: there is more than one column called a; .*copies"),
        ("a,label,a\n0,1,1\n", "more than one column called a"),
        ("id,label\n0,1\n", "line 1: names no pixels, only id, label"),
        (
            "\n".join(["n,label,a", *(f"{i},1,0" for i in range(20))]),
            "the first column, n, seems to number the lines; call it id",
        ),
        ("Once upon a time, there was\na network\n", "found none among 2 names: Once upon a time"),
        (b"5,\xff\xfe\n", "is not UTF-8 text .*save it as CSV UTF-8"),
        ("5,0\n".encode("utf-16"), "is not .*text"),
        (b"\0\0\x08\x03\0\0\xea\x60\0\0", "not text but bytes; .* load_mnist and read_idx"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03\5\0\4", mtime=0), "not text but bytes"),
        (
            gzip.compress(RNG.integers(48, 58, 9999, np.uint8).tobytes(), mtime=0)[:2000],
            "cut short",
        ),
        (b"\x1f\x8bnonsense", "gzip packing is damaged or cut short"),
        ("5" * 200_000, "one cell only, '5555"),
        ("5," + "5" * 200_000, r"line 1, column 2 \(pixel 0\): found '5555"),
        ("a" * 200_000 + ",b", "found none among 2 names: aaaa"),
    ],
)
def test_mistakes_are_found_and_placed(write, content, message):
    for read in (read_csv, lambda path: list(stream_csv(path, 7))):
        with pytest.raises(ValueError, match=message) as caught:
            read(write(content))
        assert "images.csv" in str(caught.value)
        assert len(str(caught.value)) < 400


def test_batches_before_a_mistake_are_handed_out(write):
    batches = stream_csv(write(GOOD + "5,x,1\n"), 64)
    assert len([next(batches) for _ in range(2)]) == 2
    with pytest.raises(ValueError, match="line 201"):
        list(batches)


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": 1.5}, {"classes": 0}])
def test_numbers_that_make_no_sense_are_refused_at_once(options):
    with pytest.raises(ValueError, match=r"to be a whole number from 1, got"):
        stream_csv("no such file", **options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        read_csv(tmp_path)


@pytest.mark.parametrize(
    ("pixels", "labels", "error", "message"),
    [
        (RAW / 255, LABELS, TypeError, "array of uint8 from 0 to 255, not of float64"),
        (RAW, LABELS[:5], ValueError, r"got \(300, 9\) and \(5,\)"),
        (RAW[0], LABELS[:9], ValueError, r"got \(9,\) and \(9,\)"),
        (RAW[:0], LABELS[:0], ValueError, r"got \(0, 9\) and \(0,\)"),
        (RAW, LABELS.astype(float), TypeError, "whole numbers as labels, got dtype float64"),
        (RAW, LABELS - 1, ValueError, "expected labels from 0, got -1"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(tmp_path, pixels, labels, error, message):
    with pytest.raises(error, match=message):
        write_csv(tmp_path / "a.csv", pixels, labels)
    assert os.listdir(tmp_path) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.csv.gz"
    write_csv(path, RAW, LABELS)
    before = path.read_bytes()

    class Full(gzip.GzipFile):
        def write(self, data):
            raise OSError("no space left on device")

    monkeypatch.setattr("tinygrad_edu.datasets.csv_file.gzip.GzipFile", Full)
    with pytest.raises(OSError, match="no space left"):
        write_csv(path, RAW, LABELS)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.csv.gz"]


# ------------------------------------------------------------------------------------------------
# Little memory, and no file left open
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_streaming_holds_only_a_block_of_lines(tmp_path, name):
    pixels = RNG.integers(0, 256, (1500, 784), dtype=np.uint8)  # 4 MB of text
    write_csv(tmp_path / name, pixels, np.resize(LABELS, 1500))
    tracemalloc.start()
    count = sum(len(labels) for _, labels in stream_csv(tmp_path / name, 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1500
    assert peak < 2.5e6


def test_a_stream_that_is_given_up_closes_its_file(write):
    batches = stream_csv(write(GOOD))
    next(batches)
    batches.close()  # a file left open would be a warning, and a warning an error


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="TINYGRAD_EDU_DATA names no folder with MNIST's four files")
def test_all_of_mnist_there_and_back(tmp_path):
    program = f"""
from tinygrad_edu.datasets import load_mnist
from tinygrad_edu.datasets import read_csv, write_csv
data = load_mnist({MNIST!r})
write_csv("mnist.csv", data.x_train, data.y_train, header=True)
x, y = read_csv("mnist.csv")
assert (x.raw == data.x_train.raw).all() and (y == data.y_train).all()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
