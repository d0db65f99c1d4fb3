"""Model files: what goes in comes out, what is no model file is refused, and old files survive."""

import errno
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Value,
    mean_squared_error,
)
from tinygrad_edu.training.saving import LAYERS

safetensors = pytest.importorskip("safetensors")
numpy_files = pytest.importorskip("safetensors.numpy")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype(np.float32)


class Scale(Layer):
    """A layer of one's own with a single number, and another argument than a number."""

    def __init__(self, kind, sizes):
        self.kind, self.sizes = kind, sizes
        self.factor = Value(2.0)
        self.shift = Value(np.zeros(sizes["shift"]))

    def forward(self, x):
        return x * self.factor + self.shift


class Residual(Layer):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def network(rng=0):
    return Sequential(Dense(3, 4), ReLU(), Dropout(0.3), Dense(4, 2), rng=rng)


def identical(one, other):
    """Return whether two states hold the same bits."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    network().save(path)
    return path


def change_metadata(path, **changes):
    """Write the file again with other metadata; None removes an entry."""
    with safetensors.safe_open(path, framework="numpy") as opened:
        metadata = (opened.metadata() or {}) | changes
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    metadata = {key: text for key, text in metadata.items() if text is not None}
    numpy_files.save_file(arrays, path, metadata)


# ------------------------------------------------------------------------------------------------
# There and back
# ------------------------------------------------------------------------------------------------


def test_a_file_alone_gives_the_network_back(file):
    model = network()
    loaded = Sequential.load(file)
    assert repr(loaded) == repr(model)
    assert identical(loaded.state_dict(), model.state_dict())
    assert [p.name for p in loaded.parameters()] == [p.name for p in model.parameters()]
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.training is False
    assert loaded[2].training is False


def test_every_built_in_layer_goes_round(tmp_path):
    model = Sequential(
        Flatten(), Dense(6, 5, bias=False, init="he_normal", dtype=float), LeakyReLU(0.2), Sigmoid(),
        Dense(5, 48, bias_init="standard_normal"), Tanh(), Reshape(3, 4, 4),
        Conv2D(3, 2, size=(3, 2), stride=(1, 2), padding=1, bias=False, dtype=float), MaxPool2D((2, 1), 1),
        Flatten(), Dropout(0.25), ReLU(), Softmax(), rng=3,
    )  # fmt: skip
    assert {type(layer).__name__ for layer in model} == set(LAYERS)
    model.save(tmp_path / "all.safetensors")
    loaded = Sequential.load(tmp_path / "all.safetensors")
    assert [layer.config() for layer in loaded] == [layer.config() for layer in model]
    assert identical(loaded.state_dict(), model.state_dict())
    x = RNG.normal(size=(4, 2, 3))
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_arrays_with_strides_are_written_as_they_read(tmp_path):
    model = Sequential(Dense(3, 2))
    model[0].weight.data = RNG.normal(size=(2, 3)).T
    assert not model[0].weight.data.flags.c_contiguous or model[0].weight.dtype == np.float32
    model.save(tmp_path / "model.safetensors")
    loaded = Sequential.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded[0].weight.data, model[0].weight.data)


def test_layers_of_ones_own_are_passed_by_class(tmp_path):
    path = tmp_path / "own.safetensors"
    model = Sequential(Dense(3, 2), Scale("stretch", {"shift": 2}), rng=0)
    y = model.predict(X) * 3 + 1
    model.fit(
        X, y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.05), epochs=5,
        batch_size=6, verbose=False,
    )  # fmt: skip
    assert model[1].factor.data != 2.0
    model.save(path)
    loaded = Sequential.load(path, layers=[Scale])
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded[1].config() == {"kind": "stretch", "sizes": {"shift": 2}}
    with pytest.raises(
        ValueError, match=r"kind 'Scale', .* Sequential\.load\(path, layers=\[Scale\]\)"
    ):
        Sequential.load(path)


def test_layers_within_layers_go_round(tmp_path):
    path = tmp_path / "nested.safetensors"
    inner = Sequential(Dense(3, 5), Tanh(), Dense(5, 3))
    model = Sequential(Residual(inner), Sequential(Dense(3, 2), Softmax()), rng=0)
    model.save(path)
    loaded = Sequential.load(path, layers=[Residual])
    assert identical(loaded.state_dict(), model.state_dict())
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="a layer of kind 'Residual'"):
        Sequential.load(path)


@pytest.mark.parametrize("padding", range(0, 256, 8))
def test_no_length_of_the_header_is_taken_for_a_pickle(tmp_path, padding):
    # The file begins with that length, and a pickle with byte 128.
    path = tmp_path / "model.safetensors"
    model = Sequential(Dense(1, 1), Scale("x" * padding, {"shift": 1}), rng=0)
    model.save(path)
    assert Sequential.load(path, layers=[Scale])[1].kind == "x" * padding


def test_the_file_is_one_that_safetensors_reads(file):
    arrays = numpy_files.load_file(file)
    assert identical(arrays, network().state_dict())


def test_loading_leaves_numpys_global_generator_alone(file):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    Sequential.load(file)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# ------------------------------------------------------------------------------------------------
# Files that are no model files
# ------------------------------------------------------------------------------------------------


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"is damaged or no safetensors file .*restore a copy"):
        Sequential.load(file)


@pytest.mark.parametrize(
    "content",
    [b"\0" * 100, b"\xff" * 100, b"{}", b"some text, not a model", b"\x89HDF\r\n\x1a\n" * 9],
)
def test_other_files(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or no safetensors file"):
        Sequential.load(file)


def test_a_damaged_header(file):
    content = file.read_bytes()
    file.write_bytes(content[:8] + b"}" + content[9:])
    with pytest.raises(ValueError, match="is damaged or no safetensors file"):
        Sequential.load(file)


def test_an_empty_file(file):
    file.write_bytes(b"")
    with pytest.raises(ValueError, match=r"model\.safetensors is empty; save the model again"):
        Sequential.load(file)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_named_and_never_opened(file, protocol, monkeypatch):
    monkeypatch.chdir(file.parent)
    file.write_bytes(pickle.dumps(Trap(), protocol))
    with pytest.raises(ValueError, match=r"looks like a pickle .* could run any code when opened"):
        Sequential.load(file)
    assert not Path("sprung").exists()


def test_a_file_of_pytorch_is_named(file):
    torch = pytest.importorskip("torch")
    torch.save({"weight": torch.ones(3)}, file)
    with pytest.raises(ValueError, match="looks like a pickle or a PyTorch file"):
        Sequential.load(file)


def test_a_file_of_somebody_elses_arrays_says_how_to_use_them(file):
    numpy_files.save_file({"weight": np.ones(3)}, file)
    with pytest.raises(ValueError, match=r"no architecture of tinygrad_edu; .* load_state_dict\("):
        Sequential.load(file)
    change_metadata(file, format="pt")
    with pytest.raises(ValueError, match="no architecture of tinygrad_edu"):
        Sequential.load(file)


def test_a_newer_format(file):
    change_metadata(file, version="2", architecture="unknown in 2026")
    with pytest.raises(ValueError, match=r"format version 2, .* knows up to 1; upgrade it"):
        Sequential.load(file)


@pytest.mark.parametrize(
    "architecture",
    [
        None,
        "",
        "{",
        "7",
        "null",
        "[]",
        "{}",
        "[1]",
        '[{"kind": "Dense"}]',
        '[{"kind": "Dense", "arguments": {"n_in": 0, "n_out": 2}}]',
        '[{"kind": "Dense", "arguments": {"color": "red"}}]',
        '[{"kind": "Dense", "arguments": 3}]',
        '[{"kind": ["Dense"], "arguments": {}}]',
    ],
)
def test_an_architecture_that_cannot_be_built(file, architecture):
    change_metadata(file, architecture=architecture)
    with pytest.raises(
        ValueError, match=r"architecture in .* cannot be built .*; save the model again"
    ):
        Sequential.load(file)


def test_numbers_that_do_not_fit_the_architecture_are_all_listed(file):
    other = [{"kind": "Dense", "arguments": {"n_in": 3, "n_out": 5}}]
    change_metadata(file, architecture=json.dumps(other))
    with pytest.raises(ValueError, match="contradicts itself") as refusal:
        Sequential.load(file)
    assert "unknown dense2.weight" in str(refusal.value)
    assert "dense1.weight has shape (3, 4) instead of (3, 5)" in str(refusal.value)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no model file"):
        Sequential.load(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no model file"):
        Sequential.load(tmp_path)


# ------------------------------------------------------------------------------------------------
# Saving that fails
# ------------------------------------------------------------------------------------------------


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def read_only(*_, **__):
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("owner", "name", "failure"),
    [
        (os, "fsync", full_disk),
        (Path, "replace", full_disk),
        (Path, "open", read_only),
        (os, "access", lambda path, mode: False),
    ],
)
def test_an_old_file_survives_a_disk_that_is_full_or_cannot_be_written(
    file, monkeypatch, owner, name, failure
):
    before = file.read_bytes()
    model = network(rng=1)
    monkeypatch.setattr(owner, name, failure)
    with pytest.raises(OSError, match=r"No space left|Permission denied|may not be written to"):
        model.save(file)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_places_that_cannot_hold_a_file(tmp_path):
    model = network()
    with pytest.raises(
        FileNotFoundError, match=r"there is no folder .*none; make it first: mkdir -p .*none$"
    ):
        model.save(tmp_path / "none" / "model.safetensors")
    with pytest.raises(IsADirectoryError, match="that is a folder; add a file name"):
        model.save(tmp_path)


def test_a_layer_that_cannot_be_written_down_leaves_the_old_file(file):
    class Strange(Layer):
        def __init__(self, function):
            self.function = function

        def forward(self, x):
            return self.function(x)

    class Forgetful(Layer):
        def __init__(self, size):
            pass

    before = file.read_bytes()
    with pytest.raises(TypeError, match=r"must be numbers, texts, .* not function; .*config\(\)"):
        Sequential(Strange(lambda x: x)).save(file)
    with pytest.raises(TypeError, match=r"write self\.size = size into Forgetful\.__init__"):
        Sequential(Forgetful(3)).save(file)
    assert file.read_bytes() == before


def test_sizes_and_rates_may_be_numbers_of_numpy(tmp_path):
    labels = np.array([0, 2, 1])
    model = Sequential(Dense(np.int64(3), labels.max() + 1), LeakyReLU(np.float32(0.25)))
    model.save(tmp_path / "model.safetensors")
    loaded = Sequential.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_layer_of_ones_own_with_a_built_in_name_is_refused_instead_of_mistaken(tmp_path):
    Own = type("ReLU", (Layer,), {"forward": lambda self, x: x + 7.0})
    path = tmp_path / "model.safetensors"
    with pytest.raises(TypeError, match=r"ReLU has the name of a built-in .* another name"):
        Sequential(Dense(3, 2), Own()).save(path)
    assert not path.exists()
