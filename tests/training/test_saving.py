"""Model files: what goes in comes out, what is no model file is refused, and old files survive."""

import errno
import json
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
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
    softmax_cross_entropy,
)
from tinygrad_edu.training.array_files import read_arrays
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


class BatchNorm(Layer):
    """Brings inputs to mean 0 and variance 1: those of the batch while learning, all so far afterwards."""

    def __init__(self, size, momentum=0.9):
        self.size, self.momentum = size, momentum
        self.scale, self.shift = Value(np.ones(size, np.float32)), Value(np.zeros(size, np.float32))
        self.mean, self.variance = np.zeros(size, np.float32), np.ones(size, np.float32)
        self.batches, self.first = np.array(0), None

    def forward(self, x):
        if not self.training:
            return (x - self.mean) / np.sqrt(self.variance + 1e-5) * self.scale + self.shift
        mean, variance = x.mean(axis=0), x.var(axis=0)
        self.mean = self.momentum * self.mean + (1 - self.momentum) * mean.data
        self.variance = self.momentum * self.variance + (1 - self.momentum) * variance.data
        self.batches = self.batches + 1
        self.first = np.array(x.data[0]) if self.first is None else self.first
        return (x - mean) / (variance + 1e-5) ** 0.5 * self.scale + self.shift


class Normalized(Layer):
    """Keeps arrays that it was given."""

    def __init__(self, mean, deviations):
        if not all(np.all(deviation > 0) for deviation in deviations):
            raise ValueError("deviations are above 0")
        self.mean, self.deviations = mean, deviations

    def forward(self, x):
        return (x - self.mean) / self.deviations[0]


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
# Arrays and numbers that layers keep
# ------------------------------------------------------------------------------------------------


def test_a_batchnorm_of_ones_own_answers_as_before(tmp_path):
    x = RNG.normal(5, 3, size=(300, 3)).astype(np.float32)
    y = (x.sum(axis=1) > 15).astype(int)
    model = Sequential(Dense(3, 8), BatchNorm(8), ReLU(), Dense(8, 2), rng=0)
    model.fit(
        x, y, loss=softmax_cross_entropy, optimizer=Adam(model.parameters(), lr=0.02), epochs=5,
        batch_size=30, verbose=False,
    )  # fmt: skip
    model.save(tmp_path / "model.safetensors")
    loaded = Sequential.load(tmp_path / "model.safetensors", layers=[BatchNorm])
    assert identical(loaded.state_dict(), model.state_dict())
    assert loaded[1].batches == 50
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert loaded.evaluate(x, y, loss=softmax_cross_entropy)["accuracy"] > 0.9
    fresh = Sequential.load(tmp_path / "model.safetensors", layers=[BatchNorm])
    fresh[1].mean, fresh[1].variance = BatchNorm(8).mean, BatchNorm(8).variance
    assert (
        fresh.evaluate(x, y, loss=softmax_cross_entropy)["accuracy"] < 0.9
    )  # as if they were lost


def test_arrays_among_the_arguments_stand_once_in_the_file_and_come_back(tmp_path):
    path = tmp_path / "model.safetensors"
    layer = Normalized(np.arange(3.0), [np.full(3, 2.0)])
    model = Sequential(Residual(Sequential(layer)), Dense(3, 2), rng=0)
    model.save(path)
    assert numpy_files.load_file(path).keys() == model.state_dict().keys()
    loaded = Sequential.load(path, layers=[Normalized, Residual])
    assert identical(loaded.state_dict(), model.state_dict())
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_layer_that_could_not_be_loaded_again_leaves_the_old_file(file):
    class Late(Layer):
        def forward(self, x):
            self.seen = np.array(x)
            return x

    before = file.read_bytes()
    model = Sequential(Late(), Dense(3, 2))
    model(X)
    with pytest.raises(ValueError, match=r"unknown late1\.seen\. .* in __init__.* begins with _"):
        model.save(file)
    assert file.read_bytes() == before


def test_a_value_that_took_the_place_of_an_array_is_found_when_saving(tmp_path):
    class Mean(Layer):
        def __init__(self):
            self.mean = np.zeros(3)

        def forward(self, x):
            self.mean = Value(x).mean(axis=0)
            return x - self.mean

    model = Sequential(Mean(), Dense(3, 2))
    model(X)
    with pytest.raises(ValueError, match=r"missing mean1\.mean"):
        model.save(tmp_path / "model.safetensors")


@pytest.mark.parametrize("kept", [[0.5, 2], {"level": 0.25}, 7, 0.125, "late", float("nan")])
def test_what_a_file_does_not_hold_is_said_when_saving(tmp_path, kept):
    class Counting(Layer):
        def __init__(self):
            self.note = self._note = 0

        def forward(self, x):
            return x

    model = Sequential(Counting(), Dense(3, 2))
    model.save(tmp_path / "model.safetensors")
    model[0]._note = kept
    model.save(tmp_path / "model.safetensors")
    model[0].note = kept
    with pytest.warns(UserWarning, match=r"does not hold counting1\.note = .* np\.array") as said:
        model.save(tmp_path / "model.safetensors")
    assert said[0].filename == __file__


@pytest.mark.parametrize("spoiled", [np.nan, np.inf])
def test_a_file_with_nan_among_its_weights_says_so(file, spoiled):
    model = network()
    model[3].weight.data = np.full((4, 2), spoiled)
    model.save(file)
    with pytest.warns(
        UserWarning, match=r"NaN or infinity .* dense2\.weight, .* earlier copy"
    ) as said:
        loaded = Sequential.load(file)
    assert said[0].filename == __file__
    assert identical(loaded.state_dict(), model.state_dict())


def test_infinity_in_a_buffer_may_be_a_mask(tmp_path):
    model = Sequential(Normalized(np.array([0, np.inf]), [np.ones(2)]))
    model.save(tmp_path / "model.safetensors")
    Sequential.load(tmp_path / "model.safetensors", layers=[Normalized])


@pytest.mark.parametrize("sizes", [{"shift": 2, 1: 0}, {"shift": 2, "deep": [{None: 1}]}])
def test_keys_that_a_file_would_change_are_refused(tmp_path, sizes):
    with pytest.raises(TypeError, match=r"Scale has a dict .* whose keys are no texts"):
        Sequential(Dense(3, 2), Scale("stretch", sizes)).save(tmp_path / "model.safetensors")


def test_a_single_kind_of_layer_needs_no_list(tmp_path):
    Sequential(Scale("stretch", {"shift": 2})).save(tmp_path / "model.safetensors")
    assert Sequential.load(tmp_path / "model.safetensors", layers=Scale)[0].kind == "stretch"


def test_two_kinds_of_layers_with_one_name_are_refused(tmp_path):
    one, other = (type("Twice", (Layer,), {"forward": lambda self, x: x}) for _ in range(2))
    with pytest.raises(TypeError, match=r"Twice has the name of .* another name"):
        Sequential(one(), other()).save(tmp_path / "model.safetensors")


def test_a_number_that_no_file_can_hold_is_refused(tmp_path):
    model = network()
    model[0].weight = Value(np.ones((3, 4), np.longdouble))
    with pytest.raises(TypeError, match=r"dense1\.weight is of dtype float128, .*np\.float64"):
        model.save(tmp_path / "model.safetensors")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["a\0b.safetensors", "\ud800.safetensors"])
def test_what_is_no_name_of_a_file(path):
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        network().save(path)
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        Sequential.load(path)


# ------------------------------------------------------------------------------------------------
# Files that somebody else has made
# ------------------------------------------------------------------------------------------------


def write_file(path, arrays, architecture, version="1"):
    """Write a safetensors file by hand: of each array its type, its shape and its bytes."""
    header, data = {}, b""
    for name, (dtype, shape, numbers) in arrays.items():
        span = [len(data), len(data) + len(numbers)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": span}
        data += numbers
    text = architecture if isinstance(architecture, str) else json.dumps(architecture)
    header["__metadata__"] = {"format": "tinygrad_edu", "version": version, "architecture": text}
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def dense(n_in, n_out):
    return {"kind": "Dense", "arguments": {"n_in": n_in, "n_out": n_out}}


@pytest.mark.parametrize(
    ("dtype", "weight", "bias"),
    [
        ("BF16", "803f00c0c07f0080", "003f0180"),
        ("F8_E5M2", "3cc07e80", "3801"),
        ("F8_E4M3", "38c07f80", "3001"),
    ],
)
def test_short_floats_are_read_as_float32(tmp_path, dtype, weight, bias):
    arrays = {
        "dense1.weight": (dtype, [2, 2], bytes.fromhex(weight)),
        "dense1.bias": (dtype, [2], bytes.fromhex(bias)),
    }
    write_file(tmp_path / "model.safetensors", arrays, [dense(2, 2)])
    with pytest.warns(UserWarning, match=r"NaN or infinity is loaded into dense1\.weight,"):
        model = Sequential.load(tmp_path / "model.safetensors")
    smallest = {"BF16": -(2.0**-133), "F8_E5M2": 2.0**-16, "F8_E4M3": 2.0**-9}[dtype]
    np.testing.assert_array_equal(model[0].weight.data, [[1, -2], [np.nan, -0.0]])
    np.testing.assert_array_equal(model[0].bias.data, np.array([0.5, smallest], np.float32))
    assert model[0].weight.dtype == np.float32


def test_short_floats_are_those_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    numbers = torch.arange(256, dtype=torch.uint8)
    kinds = {"a": torch.float8_e4m3fn, "b": torch.float8_e5m2, "c": torch.bfloat16}
    theirs = {name: numbers.clone().view(kind) for name, kind in kinds.items()}
    save_file(theirs, tmp_path / "all.safetensors")
    ours, _ = read_arrays(tmp_path / "all.safetensors")
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(ours[name], tensor.float().numpy())


@pytest.mark.parametrize(("dtype", "size"), [("F8_E8M0", 1), ("C64", 8)])
def test_a_type_that_is_not_known_is_refused_by_name(tmp_path, dtype, size):
    path = tmp_path / "model.safetensors"
    write_file(path, {"dense1.weight": (dtype, [1], bytes(size))}, [dense(1, 1)])
    with pytest.raises(
        ValueError, match=rf"'dense1\.weight' is of type {dtype}, .* convert it to F32"
    ):
        Sequential.load(path)


NESTED = '[{"kind": "ReLU", "arguments": {}}]'
for _ in range(500):
    NESTED = f'[{{"kind": "Sequential", "arguments": {{"layers": {NESTED}}}}}]'


@pytest.mark.parametrize(
    "architecture",
    [
        [dense(8000, 8000)],
        [dense(10**18, 1)],
        [dense(10**4000, 1)],
        json.dumps([dense(1, 1)]).replace("1", "1" * 5000),
        [dense(1, 1)] * 20_000,
        [{"kind": "Conv2D", "arguments": {"in_channels": 8000, "out_channels": 8000}}],
        [{"kind": "Sequential", "arguments": {"layers": [dense(8000, 8000)]}}],
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        NESTED,
        [{"kind": "Reshape", "arguments": {"shape": ["many"]}}],
        [{"kind": "Dropout", "arguments": {"rate": {}}}],
        [{"kind": "Dense", "arguments": {"n_in": {"array": "none"}, "n_out": 1}}],
        [{"kind": "Dense", "arguments": {"n_in": {"array": []}, "n_out": 1}}],
    ],
    ids=range(14),
)
def test_an_architecture_that_is_larger_than_its_file_is_refused_before_it_is_built(
    tmp_path, architecture
):
    path = tmp_path / "model.safetensors"
    write_file(path, {"dense1.weight": ("F32", [2, 2], bytes(16))}, architecture)
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=r"architecture in .* cannot be built .*restore a copy"
    ) as no:
        Sequential.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * path.stat().st_size + 1_000_000
    assert len(str(no.value)) < 600


def test_layers_that_share_weights_are_no_larger_than_their_file(tmp_path):
    class Shared(Layer):
        def __init__(self, first, second):
            self.first, self.second = first, second
            second.weight, second.bias = first.weight, first.bias

        def forward(self, x):
            return self.second(self.first(x))

    model = Sequential(Shared(Dense(3, 3, rng=0), Dense(3, 3, rng=1)))
    model.save(tmp_path / "model.safetensors")
    loaded = Sequential.load(tmp_path / "model.safetensors", layers=[Shared])
    assert loaded[0].second.weight is loaded[0].first.weight
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_an_empty_array_that_claims_to_be_endless(tmp_path):
    path = tmp_path / "model.safetensors"
    endless = [0, 2**32 - 1, 2**32 - 1]
    write_file(path, {"dense1.weight": ("F32", endless, b"")}, [dense(1, 1)])
    with pytest.raises(ValueError, match=r"'dense1\.weight' claims to have shape \(0, 4294967295,"):
        Sequential.load(path)


@pytest.mark.parametrize("version", ["1" * 5000, "2", "", "one", "0"])
def test_versions_that_are_not_known(tmp_path, version):
    path = tmp_path / "model.safetensors"
    write_file(path, {}, [dense(1, 1)], version)
    with pytest.raises(ValueError, match="has format version") as refusal:
        Sequential.load(path)
    assert len(str(refusal.value)) < 300


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
    with pytest.raises(FileNotFoundError, match=r"there is no model file .*: that is a folder"):
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
