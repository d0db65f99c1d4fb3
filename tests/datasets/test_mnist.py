import contextlib
import gzip
import hashlib
import itertools
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tinygrad_edu.datasets import Pixels, load_handwriting
from tinygrad_edu.datasets.download import DataUnavailable
from tinygrad_edu.datasets.idx import read_idx, write_idx
from tinygrad_edu.datasets.mnist import MNIST, load_mnist

REAL_MNIST = os.environ.get("TINYGRAD_EDU_DATA")
FIRST = "train-images-idx3-ubyte.gz"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def closed_port():
    """Return an address of this computer where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/tiny"


# From a folder


def test_the_folder_that_one_is_in_gives_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load_mnist(".").name == folder.name


def test_a_named_folder(folder, arrays):
    data = load_mnist(folder)
    assert isinstance(data.x_train, Pixels)
    assert data.x_train.shape == (30, 20)
    assert data.x_test.shape == (10, 20)
    assert data.y_train.dtype == np.int64
    assert data.image_shape == (4, 5)
    assert data.class_names == tuple("0123456789")
    np.testing.assert_array_equal(
        data.x_train.reshape(-1, 4, 5).raw, arrays["train-images-idx3-ubyte"]
    )
    np.testing.assert_array_equal(data.y_test, arrays["t10k-labels-idx1-ubyte"])
    assert "30 images to train on" in repr(data)
    assert "4×5" in repr(data)


def test_says_whether_the_files_are_the_known_ones(folder, source):
    assert load_mnist(folder, source=source()).name == "Tiny"
    foreign = load_mnist(folder)
    assert foreign.name == folder.name
    assert "not those of MNIST" in foreign.note


def test_the_environment_names_the_folder(folder, cache, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(folder))
    assert load_mnist(cache=cache).x_train.shape == (30, 20)
    assert names(cache) == []


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
def test_spellings(tmp_path, arrays, packed, dotted):
    for stem, array in arrays.items():
        name = stem.replace("-idx", ".idx") if dotted else stem
        write_idx(tmp_path / (name + ".gz" * packed), array)
    assert load_mnist(tmp_path).x_test.shape == (10, 20)


def test_a_folder_of_a_files_name_is_not_the_file(folder, arrays):
    # Kaggle's archive unpacks into folders that are called like the files.
    (folder / "train-images-idx3-ubyte").mkdir()
    assert load_mnist(folder).x_train.shape == (30, 20)


def test_a_named_folder_without_the_files(tmp_path, folder, monkeypatch):
    (folder / FIRST).unlink()
    with pytest.raises(FileNotFoundError, match=r"data lacks train-images-idx3-ubyte; put"):
        load_mnist(folder)
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "typo"))
    with pytest.raises(FileNotFoundError, match=r"typo, named by TINYGRAD_EDU_DATA,") as error:
        load_handwriting()
    assert all(stem in str(error.value) for stem in MNIST.md5)


def test_a_folder_of_that_name_is_told(folder):
    (folder / FIRST).rename(folder / "inner")
    (folder / "train-images.idx3-ubyte").mkdir()
    with pytest.raises(
        FileNotFoundError,
        match=r"lacks train-images-idx3-ubyte; .*train-images\.idx3-ubyte: a folder, not a file; take out",
    ):
        load_mnist(folder)


def test_counts_that_differ(folder, arrays):
    write_idx(folder / "train-labels-idx1-ubyte.gz", arrays["train-labels-idx1-ubyte"][:-1])
    with pytest.raises(ValueError, match="30 train images but 29 labels"):
        load_mnist(folder)


def test_files_that_bear_anothers_name(folder, arrays):
    write_idx(folder / FIRST, arrays["train-labels-idx1-ubyte"])
    with pytest.raises(ValueError, match=r"train images are uint8 of shape \(30,\)"):
        load_mnist(folder)


def test_parts_of_different_sizes(folder):
    write_idx(folder / "t10k-images-idx3-ubyte.gz", np.zeros((10, 8, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 5\) pixels and the test images \(8, 8\)"):
        load_mnist(folder)


def test_more_than_ten_classes(folder):
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.arange(30, dtype=np.uint8))
    assert load_mnist(folder).class_names[-1] == "29"


def test_a_damaged_file_is_an_error_and_not_an_absence(folder):
    (folder / FIRST).write_bytes((folder / FIRST).read_bytes()[:-20])
    with pytest.raises(ValueError, match=FIRST):
        load_handwriting(folder=folder)


# From the network


def test_downloads_once(source, mirror, cache, arrays):
    server = mirror()
    data = load_mnist(cache=cache, source=source(server.address))
    np.testing.assert_array_equal(data.y_train, arrays["train-labels-idx1-ubyte"])
    assert data.name == "Tiny"
    assert names(cache) == sorted(f"{stem}.gz" for stem in arrays)
    server.shutdown()
    load_mnist(cache=cache, source=source(server.address), download=False)
    assert set(server.asked.values()) == {1}


def refuse(status):
    def trouble(request, name):
        request.send_error(status)
        return True

    return trouble


def cut(request, name):
    body = (request.server.folder / name).read_bytes()
    request.give(body[: len(body) // 2], length=len(body))
    request.close_connection = True
    return True


def cut_without_a_word(request, name):
    body = (request.server.folder / name).read_bytes()
    request.give(body[: len(body) // 2])
    return True


def login_page(request, name):
    request.give(b"<!DOCTYPE html><title>Welcome to our hotel</title>")
    return True


def other_images(request, name):
    other = bytes.fromhex("00000801 00000003 050004")
    request.give(gzip.compress(other))
    return True


TROUBLES = [
    refuse(403),
    refuse(404),
    refuse(500),
    cut,
    cut_without_a_word,
    login_page,
    other_images,
]
TROUBLE_NAMES = ["403", "404", "500", "cut", "cut silently", "login page", "wrong checksum"]


@pytest.mark.parametrize("trouble", TROUBLES, ids=TROUBLE_NAMES)
def test_the_next_mirror_helps(source, mirror, cache, trouble):
    bad, good = mirror(trouble), mirror()
    load_mnist(cache=cache, source=source(bad.address, good.address))
    assert len(names(cache)) == 4
    assert bad.asked.total() == 1  # and never again in this process
    assert good.asked.total() == 4
    (cache / FIRST).unlink()
    load_mnist(cache=cache, source=source(bad.address, good.address))
    assert bad.asked.total() == 1


def drip(request, name):
    """Send a byte now and then, for ever."""
    request.send_response(200)
    request.end_headers()
    with contextlib.suppress(OSError):  # until nobody listens any more
        while not request.server.stopping.wait(0.001):
            request.wfile.write(b"x")
    return True


def endless(request, name):
    """Send as much as anybody takes."""
    request.send_response(200)
    request.end_headers()
    with contextlib.suppress(OSError):
        while True:
            request.wfile.write(bytes(1 << 16))


def bomb(request, name):
    """Send a few bytes that unpack to many."""
    request.give(gzip.compress(bytes.fromhex("00000801 00900000") + bytes(0x900000)))
    return True


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (drip, "is too slow: [0-9]+ bytes in "),
        (endless, "sends more than 1,000,000 bytes"),
        (bomb, "promises 9,437,184 bytes of data, .* at most 1,000,000"),
    ],
)
def test_a_mirror_cannot_send_for_ever(source, mirror, cache, trouble, said, monkeypatch):
    calls = itertools.count()  # a clock that runs by how often it is looked at, on any computer
    clock = SimpleNamespace(monotonic=lambda: 0.05 * next(calls))
    monkeypatch.setattr("tinygrad_edu.datasets.download.time", clock)
    bad, good = mirror(trouble), mirror()
    both = replace(source(bad.address, good.address), at_most=1_000_000)
    load_mnist(cache=cache, source=both)
    assert (bad.asked.total(), good.asked.total()) == (1, 4)
    with pytest.raises(DataUnavailable, match=said):
        load_mnist(cache=cache / "other", source=replace(both, mirrors=[bad.address]))
    assert names(cache / "other") == []


def test_a_mirror_that_is_well_again_comes_first_again(source, mirror, cache):
    def once(request, name):
        return request.server.asked.total() == 1 and cut(request, name)

    one, two = mirror(once), mirror()
    load_mnist(cache=cache, source=source(one.address, two.address))
    assert (one.asked.total(), two.asked.total()) == (1, 4)
    load_mnist(cache=cache / "one", source=source(one.address))
    load_mnist(cache=cache / "both", source=source(one.address, two.address))
    assert (one.asked.total(), two.asked.total()) == (9, 4)


def around(request, name):
    request.send_response(302)
    request.send_header("Location", request.path)
    request.end_headers()


def test_why_no_mirror_can_be_used(source, mirror, cache):
    server = mirror()
    server.head = around
    with pytest.raises(DataUnavailable, match=r"no mirror can be used\. They said: .*redirects"):
        load_mnist(cache=cache, source=source(server.address))


@pytest.mark.parametrize("address", ["ftp://example.org", "file:///tmp", "example.org", "http://"])
def test_addresses_that_are_none(source, cache, address):
    with pytest.raises(DataUnavailable, match=r"no mirror can be used.*They said: ") as error:
        load_mnist(cache=cache, source=source(address))
    assert address in str(error.value)
    assert "no connection" not in error.value.reason


@pytest.mark.parametrize("trouble", TROUBLES, ids=TROUBLE_NAMES)
def test_when_no_mirror_helps(source, mirror, cache, trouble):
    one, two = mirror(trouble), mirror(trouble)
    with pytest.raises(DataUnavailable, match=r"no mirror gave \S+ whole") as error:
        load_mnist(cache=cache, source=source(one.address, two.address))
    assert names(cache) == []  # nothing half
    assert len(one.asked) == 1  # after the first file the others are not even tried
    assert one.asked.total() == two.asked.total() == 2  # but that one was tried again
    for needed in (*MNIST.md5, "TINYGRAD_EDU_DATA", "folder=", one.address):
        assert needed in str(error.value)


def test_a_second_try_helps(source, mirror, cache):
    def once(request, name):
        return request.server.asked[name] == 1 and cut(request, name)

    server = mirror(once)
    load_mnist(cache=cache, source=source(server.address))
    assert set(server.asked.values()) == {2}


def test_a_mirror_that_packs_differently(source, mirror, cache, arrays):
    def unpacked(request, name):
        content = gzip.decompress((request.server.folder / name).read_bytes())
        if name.startswith("train"):
            request.give(content)  # not packed, whatever its name says
        else:
            request.give(gzip.compress(content, 1), Content_Encoding="gzip")
        return True

    data = load_mnist(cache=cache, source=source(mirror(unpacked).address))
    np.testing.assert_array_equal(data.y_test, arrays["t10k-labels-idx1-ubyte"])


def test_offline(source, cache):
    with pytest.raises(DataUnavailable, match="Tiny could not be had: no connection to any mirror"):
        load_mnist(cache=cache, source=source(closed_port(), closed_port()))


def test_mirrors_that_swallow_everything(source, cache):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls and never says a word
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/tiny"
        quick = replace(source(address, address + "/"), answer_within=0.3)
        with pytest.raises(DataUnavailable, match="no connection to any mirror"):
            load_mnist(cache=cache, source=quick)


def test_no_download_wanted(source, mirror, cache):
    server = mirror()
    with pytest.raises(DataUnavailable, match="download=False"):
        load_mnist(download=False, cache=cache, source=source(server.address))
    assert not server.asked


def test_a_cache_that_cannot_be_written(source, mirror, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    server = mirror()
    with pytest.raises(DataUnavailable, match="File exists"):
        load_mnist(cache=tmp_path / "cache", source=source(server.address))
    assert not server.asked


def test_a_folder_in_the_cache_where_a_file_should_be(source, mirror, cache):
    server = mirror()
    load_mnist(cache=cache, source=source(server.address))
    (cache / FIRST).unlink()
    (cache / FIRST).mkdir()
    with pytest.raises(ValueError, match=rf"{FIRST} cannot be read \(Is a directory\); .* folder"):
        load_mnist(cache=cache, source=source(server.address))
    assert server.asked.total() == 4


def test_damage_in_the_cache_is_mended(source, mirror, cache):
    server = mirror()
    load_mnist(cache=cache, source=source(server.address))
    (cache / FIRST).write_bytes(b"half a fi")
    write_idx(cache / "train-labels-idx1-ubyte.gz", np.zeros(30, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"(?s)magic number.*the MD5.*no fresh copy"):
        load_handwriting(cache=cache, source=source(closed_port()))
    load_mnist(cache=cache, source=source(server.address))
    assert server.asked[FIRST] == 2
    assert read_idx(cache / FIRST).shape == (30, 4, 5)


PROCESS = """
import sys
from tinygrad_edu.datasets import Source, load_mnist
data = load_mnist(cache=sys.argv[1], source=Source("Tiny", [sys.argv[2]], eval(sys.argv[3])))
print(len(data.y_train), len(data.y_test))
"""


def test_two_processes_at_once(source, mirror, cache, arrays):
    def slowly(request, name):
        body = (request.server.folder / name).read_bytes()
        request.give(body[:10], length=len(body))
        time.sleep(0.1)
        request.wfile.write(body[10:])
        return True

    server = mirror(slowly)
    arguments = [str(cache), server.address, repr(source().md5)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert (output, errors) == ("30 10\n", "")  # no progress bar without a terminal
    assert names(cache) == sorted(f"{stem}.gz" for stem in arrays)


def test_without_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataUnavailable, match=r"pooch.*pip install \"tinygrad_edu\[data\]\""):
        load_mnist()


def test_a_progress_bar_on_a_terminal(source, mirror, cache, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    load_mnist(cache=cache, source=source(mirror().address))
    assert "100%" in capsys.readouterr().err


# Whichever can be had


def test_handwriting_prefers_mnist(source, mirror, cache):
    assert load_handwriting(cache=cache, source=source(mirror().address)).name == "Tiny"


def test_handwriting_falls_back_and_says_so(source, cache):
    data = load_handwriting(cache=cache, source=source(closed_port()))
    assert data.image_shape == (8, 8)
    assert data.note == (
        "Tiny could not be had: no connection to any mirror, so these are the 1,797 real 8×8 "
        "digits of scikit-learn; for MNIST, put its four files into a folder and set "
        "TINYGRAD_EDU_DATA to it"
    )


def test_handwriting_of_choice():
    assert load_handwriting("digits").image_shape == (8, 8)
    with pytest.raises(ValueError, match='"mnist" or "digits"'):
        load_handwriting("cifar")


# The real thing


@pytest.mark.skipif(not REAL_MNIST, reason="TINYGRAD_EDU_DATA names no folder with MNIST")
def test_the_real_mnist():
    data = load_mnist(REAL_MNIST)
    assert data.name == "MNIST"  # the four checksums are right
    assert data.x_train.shape == (60_000, 784)
    assert data.x_test.shape == (10_000, 784)
    assert data.x_train.nbytes == 47_040_000
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(data.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    pixels = data.x_test.raw
    assert (
        hashlib.md5(
            bytes.fromhex("00000803 00002710 0000001c 0000001c") + pixels.tobytes()
        ).hexdigest()
        == MNIST.md5["t10k-images-idx3-ubyte"]
    )
