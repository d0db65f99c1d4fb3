"""Conv2D, MaxPool2D and Reshape: what they compute, what they refuse, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import (
    Adam,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    Value,
    conv2d,
    grad,
    max_pool2d,
    overlap_add,
    softmax_cross_entropy,
    windows,
)

GENERATOR = np.random.default_rng(0)
GEOMETRIES = [
    ((3, 3), (1, 1), (0, 0)),
    ((5, 5), (1, 1), (2, 2)),
    ((3, 2), (2, 1), (1, 0)),
    ((2, 4), (3, 2), (0, 3)),
    ((1, 1), (2, 2), (0, 0)),
    ((2, 2), (3, 3), (1, 1)),  # windows with gaps between them
]
geometries = pytest.mark.parametrize(("size", "stride", "padding"), GEOMETRIES)


def by_loops(x, weight, bias, stride, padding):
    """Convolution written down from its definition, one output pixel at a time."""
    (kh, kw, _, filters), (sh, sw), (ph, pw) = weight.shape, stride, padding
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    result = np.zeros((len(x), filters, rows, columns))
    for n, f, i, j in np.ndindex(result.shape):
        window = x[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        result[n, f, i, j] = (window * weight[..., f].transpose(2, 0, 1)).sum() + bias[f]
    return result


@geometries
def test_convolution_is_what_its_definition_says(size, stride, padding):
    x = GENERATOR.normal(size=(2, 3, 7, 6))
    weight, bias = GENERATOR.normal(size=(*size, 3, 4)), GENERATOR.normal(size=4)
    expected = by_loops(x, weight, bias, stride, padding)
    np.testing.assert_allclose(conv2d(x, weight, bias, stride, padding), expected, atol=1e-12)


@geometries
def test_convolution_agrees_with_pytorch_to_the_second_order(size, stride, padding):
    torch = pytest.importorskip("torch")
    numbers = [GENERATOR.normal(size=shape) for shape in ((2, 3, 7, 6), (*size, 3, 4), (4,))]
    ours = [Value(n) for n in numbers]
    theirs = [torch.tensor(n, requires_grad=True) for n in numbers]
    z = conv2d(*ours, stride, padding)
    x, w, b = theirs
    expected = torch.nn.functional.conv2d(x, w.permute(3, 2, 0, 1), b, stride, padding)
    np.testing.assert_allclose(z.data, expected.detach(), atol=1e-12)

    g = GENERATOR.normal(size=z.shape)
    first = grad((z**2 * g).sum(), ours, create_graph=True)
    their_first = torch.autograd.grad(
        (expected**2 * torch.tensor(g)).sum(), theirs, create_graph=True
    )
    for mine, other in zip(first, their_first, strict=True):
        np.testing.assert_allclose(mine.data, other.detach(), atol=1e-10)
    directions = [GENERATOR.normal(size=n.shape) for n in numbers]
    second = grad(sum((a * d).sum() for a, d in zip(first, directions, strict=True)), ours)
    their_second = torch.autograd.grad(
        sum((a * torch.tensor(d)).sum() for a, d in zip(their_first, directions, strict=True)),
        theirs,
    )
    for mine, other in zip(second, their_second, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-9)


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), ((2, 3), (1, 2)), (2, 3)])
def test_max_pooling_agrees_with_pytorch_to_the_second_order(size, stride):
    torch = pytest.importorskip("torch")
    number = GENERATOR.normal(size=(2, 3, 7, 6))
    ours, theirs = Value(number), torch.tensor(number, requires_grad=True)
    z = max_pool2d(ours, size, stride)
    expected = torch.nn.functional.max_pool2d(theirs, size, stride)
    np.testing.assert_array_equal(z.data, expected.detach())
    first = grad((z**3).sum(), ours, create_graph=True)
    (their_first,) = torch.autograd.grad((expected**3).sum(), theirs, create_graph=True)
    np.testing.assert_allclose(first.data, their_first.detach(), atol=1e-12)
    direction = GENERATOR.normal(size=number.shape)
    (their_second,) = torch.autograd.grad((their_first * torch.tensor(direction)).sum(), theirs)
    np.testing.assert_allclose(grad((first * direction).sum(), ours), their_second, atol=1e-12)


def test_the_gradient_of_a_tie_is_split_evenly_in_pooling():
    x = Value(np.zeros((1, 1, 2, 2)))
    max_pool2d(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full((1, 1, 2, 2), 0.25))


def test_a_nan_is_not_pooled_away():
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 1, 0] = np.nan
    assert np.isnan(max_pool2d(x)).all()


def test_windows_and_overlap_add_are_each_others_transpose():
    """⟨windows(x), y⟩ = ⟨x, overlap_add(y)⟩ for all x and y: that is what a derivative needs."""
    for size, stride, padding in GEOMETRIES:
        x = GENERATOR.normal(size=(2, 3, 7, 6))
        seen = windows(x, size=size, stride=stride, padding=padding)
        y = GENERATOR.normal(size=seen.shape)
        back = overlap_add(y, image=(7, 6), stride=stride, padding=padding)
        assert np.vdot(seen, y) == pytest.approx(np.vdot(x, back), rel=1e-12)


def test_lists_are_taken_like_arrays():
    x, weight, bias = (GENERATOR.normal(size=shape) for shape in ((2, 3, 7, 6), (3, 3, 3, 4), (4,)))
    expected = conv2d(x, weight, bias)
    np.testing.assert_array_equal(conv2d(x.tolist(), weight.tolist(), bias.tolist()), expected)
    assert Conv2D(3, 4, rng=0)(x.tolist()).shape == expected.shape
    np.testing.assert_array_equal(max_pool2d(x.tolist()), max_pool2d(x))


@pytest.mark.parametrize("shape", [(0, 3, 7, 6), (2, 0, 7, 6)])
def test_no_images_and_no_channels_have_gradients_too(shape):
    x, weight = Value(np.ones(shape)), Value(np.ones((3, 3, shape[1], 4)))
    (conv2d(x, weight).sum() + max_pool2d(x).sum()).backward()
    assert (x.grad.shape, weight.grad.shape) == (x.shape, weight.shape)
    assert not weight.grad.any()


def test_convolution_keeps_float32_and_the_images_as_they_were():
    x = GENERATOR.random((2, 1, 8, 8), dtype=np.float32)
    before = x.copy()
    layer = Conv2D(1, 2, 3, padding=1, rng=0)
    output = MaxPool2D()(layer(x))
    output.sum().backward()
    assert output.dtype == layer.weight.grad.dtype == layer.bias.grad.dtype == np.float32
    np.testing.assert_array_equal(x, before)


def network(rng=0):
    return Sequential(
        Reshape(1, 8, 8),
        *(Conv2D(1, 4, size=3, padding=1), ReLU(), MaxPool2D(2)),
        *(Conv2D(4, 8, size=3, stride=(2, 1), padding=1, bias=False), ReLU(), Flatten()),
        Dense(64, 10),
        rng=rng,
    )


def test_a_convolutional_network_learns_the_small_digits():
    pytest.importorskip("sklearn")
    from tinygrad_edu.datasets import load_digits

    data = load_digits()
    model = network()
    model.fit(
        data.x_train,
        data.y_train,
        loss=softmax_cross_entropy,
        optimizer=Adam(model.parameters(), lr=5e-3),
        epochs=8,
        rng=0,
        verbose=False,
    )
    assert model.evaluate(data.x_test, data.y_test)["accuracy"] > 0.9


def test_a_convolutional_network_is_saved_and_loaded_whole(tmp_path):
    pytest.importorskip("safetensors")
    model = network()
    x = GENERATOR.random((3, 64), dtype=np.float32)
    model.save(tmp_path / "network.safetensors")
    loaded = Sequential.load(tmp_path / "network.safetensors")
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_the_summary_knows_all_shapes(capsys):
    network().summary()
    printed = capsys.readouterr().out
    for shape in ("(N, 1, 8, 8)", "(N, 4, 8, 8)", "(N, 4, 4, 4)", "(N, 8, 2, 4)", "(N, 64)"):
        assert shape in printed


def test_glorot_counts_the_neurons_that_a_pixel_feeds():
    """With size 5×5 each pixel lies under 25 places of each filter (Glorot and Bengio's fan-out)."""
    weight = Conv2D(3, 6, size=5, rng=0).weight.numpy()
    limit = np.sqrt(6 / (25 * 3 + 25 * 6))
    assert 0.95 * limit < np.abs(weight).max() <= limit


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: Conv2D(1, 2)(x.reshape(2, 64)), r"got \(2, 64\); put Reshape\(1, 8, 8\)"),
        (lambda x: Conv2D(1, 2)(x[:, 0]), r"x\[:, None\]"),
        (
            lambda x: Conv2D(4, 2)(x.reshape(2, 64)),
            r"got \(2, 64\); put Reshape\(4, 4, 4\) before it",
        ),
        (lambda x: Conv2D(3, 2)(x), r"expects shape \(N, 3, height, width\), got \(2, 1, 8, 8\)$"),
        (lambda x: Conv2D(8, 2)(x), r"got \(2, 1, 8, 8\); channels come second.*3, 1, 2\)$"),
        (
            lambda x: Conv2D(1, 2)(Reshape(8, 8, 1)(x.reshape(2, 64))),
            r"got \(2, 8, 8, 1\); channels come second, .*, or Reshape\(1, 8, 8\)$",
        ),
        (lambda x: Conv2D(1, 2, size=9)(x), "9×9 does not fit into images of 8×8"),
        (lambda x: conv2d(x, np.ones((3, 3, 2, 1))), "2 channels"),
        (lambda x: conv2d(x, np.ones((3, 3, 1, 2)), np.ones((72, 2))), r"\(2,\), got \(72, 2\)"),
        (lambda x: conv2d(x, np.ones((3, 3))), r"\(height, width, channels, filters\)"),
        (lambda x: MaxPool2D(9)(x), "does not fit"),
        (lambda x: MaxPool2D()(x[0]), "N, channels, height, width"),
        (lambda x: windows(x[0, 0], size=2), r"x\[None\]"),
        (lambda x: overlap_add(x, image=8), r"expected windows of shape .* got \(2, 1, 8, 8\)"),
        (lambda x: overlap_add(windows(x, size=2), image=9), "9×9 have 8×8 windows .* got 7×7"),
        (lambda x: overlap_add(windows(x, size=2, stride=6), image=8), "7×7 windows .* got 2×2"),
        (lambda x: Conv2D(1, 0), "at least one channel"),
        (lambda x: Conv2D(1, 1, size=0), "size is a whole number of at least 1"),
        (lambda x: Conv2D(1, 1, size=2.5), "size is a whole number"),
        (lambda x: Conv2D(1, 1, stride=(1, 2, 3)), "stride is a whole number"),
        (lambda x: Conv2D(1, 1, padding=-1), "padding is a whole number of at least 0"),
        (lambda x: Conv2D(1, 1, init="magic"), "unknown initializer 'magic'"),
        (
            lambda x: Reshape(1, 7, 7)(x),
            r"of 49 numbers a sample, got a batch of shape \(2, 1, 8, 8\)",
        ),
        (lambda x: Reshape(), "Reshape expects the shape of one sample"),
        (lambda x: Reshape(-1, 8), "Reshape expects the shape of one sample"),
        (lambda x: Dense(49, 2)(x), r"expects shape \(N, 49\)"),
        (lambda x: Dense(64, 2)(x), r"Flatten\(\)"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_word_on_how_to_mend_it(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.ones((2, 1, 8, 8)))


def test_the_blocks_of_a_convolutional_network_show_its_shapes():
    source = network().draw(input=np.zeros(64, np.float32)).source
    for shape in ("N×64", "N×1×8×8", "N×4×4×4", "N×8×2×4", "N×10"):
        assert shape in source
