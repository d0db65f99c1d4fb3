"""Dreaming: which picture would make a network as sure as can be? And what made it say what it said?

Training asks how the loss changes with each weight, and changes the weights. Nothing keeps us from asking how
the answer changes with each *pixel*, and changing the picture. It is the same gradient, the same optimizer
and the same loop, with the picture in the place of the weights.

Going uphill from gray leads to pictures of which a network is certain. Alone, that finds patterns of noise:
a network has learned to tell digits from each other, and nothing of how pictures look. So we add what we know
ourselves, as *priors*: most of the paper stays white, neighboring pixels are alike, strokes are smooth. They
decide much of what one sees. Even then, a picture of which the network is sure need not be one that a person
would read. With a real digit as its `start`, a few steps make another one of it for the network, and none for
us: an adversarial example.

On a real picture the gradient answers another question: which ink speaks for the answer? That is `saliency`.

Sources: Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks, 2014; Mahendran and Vedaldi,
Understanding deep image representations by inverting them, 2015; Yosinski, Clune, Nguyen, Fuchs and Lipson,
Understanding neural networks through deep visualization, 2015.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.lab.back_query import check_labels
from tinygrad_edu.lab.portraits import as_confidence, as_images
from tinygrad_edu.nn import Adam, Layer, Sigmoid, Softmax, Tanh, dtype_of
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import needed
from tinygrad_edu.value import Value, grad

Numbers = np.ndarray[Any, Any]

#: While a network is less sure than this, the priors give way.
SURE = 0.999


def gradient_ascent(
    model: Layer,
    labels: Any = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    image_shape: tuple[int, int] | None = None,
    steps: int = 200,
    lr: float = 0.05,
    weight_decay: float = 0.3,
    variation: float = 1.5,
    blur: float = 0.7,
    blur_every: int = 10,
    start: Any = 0.5,
    noise: float = 0.1,
    clip: tuple[float, float] = (0.0, 1.0),
    rng: int | np.random.Generator | None = None,
) -> tuple[Numbers, Numbers]:
    """Change pictures step by step until the network sees a label in them; return them and how that went.

    `model` may have any layers, `labels` be a class or classes of any shape, by default each class once. Adam
    takes `steps` steps of size `lr`, all pictures in one batch, to raise for each picture x

        ln p/(1 − p)  −  weight_decay · Σ x²  −  variation · Σ (difference of neighbors)²

    The first term is the `log_odds` of the label. Unlike p itself, it goes on growing when the network is
    sure already, so that strokes become strong. (The outputs of a last Sigmoid may all be low; there "none of
    these" is one more class, with score 0.) The others are priors; 0 leaves each out:

    * `weight_decay` keeps paper white: the L2 norm of Simonyan et al.
    * `variation` makes neighbors alike: see `total_variation`; Mahendran and Vedaldi.
    * `blur`, the σ in pixels of a `gaussian_blur` after every `blur_every` steps, removes what is too fine to
      be a stroke; Yosinski et al. The last step is always without.

    The first two give way, by a tenth in each step, while the network is less than 99.9 % sure of a picture,
    and come back afterwards: what is wanted is the plainest of the pictures that the network recognizes.

    Pixels are clipped to `clip` after each step. It begins with `start`, a number or pictures that broadcast
    to the result, plus noise between −`noise` and `noise`. `input_shape` is that of one sample, such as
    (1, 28, 28); a network that begins with Dense or Reshape knows it. `image_shape` (height, width) is needed
    for flat samples that are not square.

    There are many options, since each prior and each habit of the climb has one of its own.

    Returns the pictures, (*labels, *input_shape), in the model's type, and the `confidence` in the label
    before each step and after the last, (steps + 1, *labels). The model keeps its mode and its gradients.

    Raises ValueError for arguments that make no sense, shapes that do not fit, and labels that there are not;
    TypeError for labels that are no integers; ImportError without SciPy, unless `blur` is 0.

    >>> from tinygrad_edu import Dense, Sequential
    >>> model = Sequential(Dense(4, 3, rng=0), Sigmoid(), Dense(3, 2, rng=1))
    >>> picture, history = gradient_ascent(model, 1, blur=0, rng=0)
    >>> picture.shape, history.shape, bool(history[-1] > history[0])
    ((4,), (201,), True)
    """
    _check_options(steps, blur_every, clip, (weight_decay, variation, blur, noise))
    model = _resting(model)
    shape, dtype = input_shape or _input_shape(model), dtype_of(model)
    labels = check_labels(labels, _count_classes(model, shape))
    wanted = labels.ravel()
    pictures = _begin(start, noise, (*labels.shape, *shape), clip, rng).astype(dtype)
    x = Value(pictures.reshape(-1, *shape), "picture")
    optimizer = Adam([x], lr)
    strength = np.ones((len(wanted), *[1] * len(shape)), dtype)  # of the priors
    history = []
    for step in range(1, steps + 1):
        scores, sure = _ask(model, x)
        history.append(sure[np.arange(len(wanted)), wanted])
        loss = -ops.sum(log_odds(_with_none_of_these(scores, model), wanted))
        y = x * strength**0.5  # both priors are squares: those of y are `strength` times those of x
        x.grad = grad(_with_priors(loss, y, weight_decay, variation, image_shape), x)
        optimizer.step()
        strength = _ease(strength, history[-1])
        if blur and step % blur_every == 0 and step < steps:
            x.data = gaussian_blur(as_images(x.data, image_shape), blur).reshape(x.shape)
        x.data = np.clip(x.data, *clip)
    history.append(_ask(model, x)[1][np.arange(len(wanted)), wanted])
    return x.numpy().reshape(*labels.shape, *shape), np.reshape(history, (-1, *labels.shape))


def _check_options(
    steps: int, blur_every: int, clip: tuple[float, float], strengths: tuple[float, ...]
) -> None:
    """Raise ValueError for options of `gradient_ascent` that make no sense."""
    if steps < 1 or blur_every < 1:
        raise ValueError(f"expected steps and blur_every from 1, got {steps} and {blur_every}")
    if not all(strength >= 0 for strength in strengths):
        decay, variation, blur, noise = strengths
        raise ValueError(
            "expected weight_decay, variation, blur and noise ≥ 0, got "
            f"{decay}, {variation}, {blur} and {noise}"
        )
    low, high = clip
    if not low < high:
        raise ValueError(f"expected clip=(low, high) with low < high, got {clip}")


def _begin(
    start: Any,
    noise: float,
    shape: tuple[int, ...],
    clip: tuple[float, float],
    rng: int | np.random.Generator | None,
) -> Numbers:
    """Return the pictures to begin with: the start, with noise on it, clipped."""
    try:
        pictures = np.broadcast_to(start, shape)
    except ValueError:
        raise ValueError(
            f"expected start as a number or an array that broadcasts to the pictures, {shape}, got shape "
            f"{np.shape(start)}"
        ) from None
    noisy: Numbers = pictures + np.random.default_rng(rng).uniform(-noise, noise, shape)
    return noisy.clip(*clip)


def _with_none_of_these(scores: Value, model: Layer) -> Array:
    """Return scores with one more class, of score 0, where the outputs of a last Sigmoid may all be low."""
    if not isinstance(model.in_order()[-1], Sigmoid):
        return scores
    return ops.concatenate([scores, np.zeros((len(scores), 1), scores.dtype)], axis=1)


def _with_priors(
    loss: Array,
    pictures: Array,
    weight_decay: float,
    variation: float,
    image_shape: tuple[int, int] | None,
) -> Array:
    """Return the loss, and on top of it what the priors have against the pictures."""
    if weight_decay:
        loss = loss + weight_decay * ops.sum(pictures * pictures)
    if variation:
        loss = loss + variation * total_variation(as_images(pictures, image_shape))
    return loss


def _ease(strength: Numbers, sure: Numbers) -> Numbers:
    """Return the strength of the priors for the next step: less for pictures that are not yet recognized."""
    factor = np.where(sure > SURE, 1.1, 0.9).reshape(strength.shape)
    eased: Numbers = np.minimum(strength * factor, 1.0).astype(strength.dtype)
    return eased


def saliency(model: Layer, pictures: Any, labels: Any = None) -> Numbers:
    """Return what made the network say it: ∂score/∂pixel of one output, (N, …) like the pictures.

    Where it is positive, more ink speaks for the label, where it is negative, against it. Multiplied by the
    picture it shows ink that is there: to first order, what each pixel contributed. `labels` (N,) are the
    outputs in question, by default what the network sees. The score is what goes into a last Sigmoid, Tanh or
    Softmax: what comes out of them hardly changes any more when the network is sure.

    Source: Simonyan, Vedaldi and Zisserman, 2014, section 3, with the sign that they leave out.

    Raises ValueError for pictures or labels that do not fit, TypeError for labels that are no integers.

    >>> from tinygrad_edu import Dense
    >>> layer = Dense(2, 1, rng=0)
    >>> bool(np.all(saliency(layer, [[0.3, 0.8]], [0]) == layer.weight.data.T))
    True
    """
    model = _resting(model)
    x = Value(np.asarray(pictures).astype(dtype_of(model)), "picture")
    scores, _ = _ask(model, x)
    if scores.ndim != 2:
        raise ValueError(
            f"expected pictures of shape (N, …), got {x.shape}; for one picture write picture[None]"
        )
    if labels is None:
        labels = scores.data.argmax(axis=-1)
    labels = ops.as_labels(labels, scores.shape)
    gradients: Numbers = grad(ops.sum(scores[np.arange(len(labels)), labels]), x)
    return gradients


# ------------------------------------------------------------------------------------------------
# What is asked of the network
# ------------------------------------------------------------------------------------------------


def log_odds(scores: Array, labels: Numbers) -> Array:
    """ln p/(1 − p) with p = softmax(scores)[label]: s_label − ln Σ exp(s of the others), (N,).

    `scores` (N, classes), `labels` (N,) integers. For sigmoid outputs, too: the label is to be far above all
    others.

    >>> log_odds(np.array([[2.0, 0.0, 0.0]]), np.array([0])).round(4)
    array([1.3069])
    """
    rows = np.arange(len(labels))
    own = scores[rows, labels]
    classes = shape_of(scores)[-1]
    if classes == 1:  # one yes or no, of which the score is the log-odds itself
        return own
    others = np.array([[other for other in range(classes) if other != k] for k in labels])
    rest = scores[rows[:, None], others]
    return own - (rest[:, 0] - ops.log_softmax(rest)[:, 0])  # ln Σ exp(r) = rᵢ − log-softmax(r)ᵢ


def _ask(model: Layer, x: Value) -> tuple[Value, Numbers]:
    """Return the scores, which go into a last Sigmoid, Tanh or Softmax, and the confidence in each class."""
    layers = model.in_order()
    last = layers.pop() if isinstance(layers[-1], Sigmoid | Tanh | Softmax) else None
    for layer in layers:
        x = layer(x)
    outputs = np.asarray(x.data)
    return x, as_confidence(last or layers[-1], outputs if last is None else last(outputs))


def _resting(model: Layer) -> Layer:
    """Return a copy that drops nothing: the mode and the gradients of the caller's model are not ours."""
    model = copy.deepcopy(model)
    model.eval()
    return model


def _count_classes(model: Layer, shape: tuple[int, ...]) -> int:
    """Return how many outputs a model has for a sample of this shape."""
    with model.answering():
        return int(np.shape(model(np.zeros((1, *shape), dtype_of(model))))[-1])


def _input_shape(model: Layer) -> tuple[int, ...]:
    """Return the shape of one sample, if the first layer that knows a shape takes flat ones."""
    for layer in model.in_order():
        if hasattr(layer, "n_in"):  # Dense and Reshape
            return (layer.n_in,)
        if hasattr(layer, "weight"):
            break
    raise ValueError(
        f"the shape of a picture cannot be told from {type(layer).__name__}; give that of one "
        "sample, for example input_shape=(1, 28, 28)"
    )


# ------------------------------------------------------------------------------------------------
# Priors: what we know of pictures without any network
# ------------------------------------------------------------------------------------------------


def total_variation(pictures: Array) -> Array:
    """Σ (xᵢ,ⱼ₊₁ − xᵢ,ⱼ)² + Σ (xᵢ₊₁,ⱼ − xᵢ,ⱼ)²: how unlike neighboring pixels are, a single number.

    `pictures` of shape (…, height, width), an array or a Value; the sum runs over all of them.

    Source: Mahendran and Vedaldi, 2015, section 2, with β = 2.

    >>> total_variation(np.array([[0.0, 1.0], [0.0, 3.0]]))
    14.0
    """
    across = pictures[..., :, 1:] - pictures[..., :, :-1]
    down = pictures[..., 1:, :] - pictures[..., :-1, :]
    return ops.sum(across * across) + ops.sum(down * down)


def gaussian_blur(pictures: Any, sigma: float) -> Numbers:
    """Return pictures (…, height, width) with each pixel spread over its neighbors by exp(−distance²/2σ²).

    Beyond the border the picture is mirrored, so that no ink is lost: the mean stays as it is.

    Raises ImportError without SciPy.

    >>> gaussian_blur(np.eye(3), 0.5).round(2)
    array([[0.81, 0.18, 0.01],
           [0.18, 0.64, 0.18],
           [0.01, 0.18, 0.81]])
    """
    with needed("SciPy", "blurring", extra="data", instead="do without: blur=0"):
        from scipy.ndimage import gaussian_filter
    blurred: Numbers = gaussian_filter(pictures, sigma, mode="reflect", axes=(-2, -1))
    return blurred
