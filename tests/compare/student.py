"""A student who derives backpropagation with pencil and paper, on NumPy alone, and makes mistakes on purpose.

Nothing here knows how `audit` works: a mistake is another line of pencil algebra. `KINDS` lists them, with
the names that `audit` may give to each. A `Student` has a network of a random kind and random data.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tinygrad_edu import Value, ops, softmax_cross_entropy

RATE, DECAY, KEEP = 0.1, 0.03, 0.5

ACTIVATIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
    "none": (lambda z: z, lambda z, a: np.ones_like(z)),
}

#: Each kind of mistake, and what `audit` may call it.
KINDS = {
    "no 1/N": {"1/N missing"},
    "sign": {"sign turned"},
    "no 2": {"factor 2"},
    "last sample": {"one sample only"},
    "first sample": {"one sample only"},
    "no label": {"label missing"},
    "class off by one": {"labels shifted"},
    "neighbor's label": {"labels shifted"},
    "no one-hot": {"one-hot missing"},
    "no Jacobian": {"softmax's Jacobian"},
    "diagonal": {"softmax's Jacobian"},
    "p(1-p) too many": {"factor twice"},
    "softmax over samples": {"wrong axis"},
    "sigmoid for softmax": {"another activation's slope"},
    "no decay": {"path dropped", "never written"},
    "decay twice": {"wrong weight of a term", "factor twice", "factor 2"},
    "no slope": {"factor left out"},
    "slope twice": {"factor twice"},
    "1 - h": {"wrong slope"},
    "a(1+a)": {"wrong slope", "another activation's slope"},
    "slope at output": {"derivative at the wrong place"},
    "slope from input": {"derivative at the wrong place"},
    "another slope": {"another activation's slope"},
    "mask of gradient": {"derivative at the wrong place"},
    "no input": {"factor left out"},
    "z for h": {"wrong operand"},
    "inputs swapped": {"inputs swapped"},
    "W doubled": {"factor 2"},
    "W turned": {"sign turned"},
    "W on its side": {"transposed"},
    "W over N": {"divided by N"},
    "W zero": {"never written", "path dropped"},
    "W four times": {"constant factor", "1/N missing"},
    "b doubled": {"factor 2"},
    "b turned": {"sign turned"},
    "b mean": {"divided by N", "unbroadcast missing"},
    "b last": {"unbroadcast missing", "one sample only"},
    "b zero": {"never written", "path dropped"},
    "b four times": {"constant factor", "1/N missing"},
    "b of the next": {"another's gradient"},
    "W not transposed": {"transposed"},
    "dW for W": {"gradient for weight"},
    "moved W": {"weights updated too early"},
    "1/N again": {"divided by N"},
    "no mask": {"factor left out"},
    "no mask scale": {"factor left out", "factor 2"},
    "repeats lost": {"repeats lost"},
    "no bias forward": {"bias missing"},
}


@dataclass
class Student:
    """A network of a random kind, its loss as a Value, and the gradients as the student derives them."""

    rng: np.random.Generator
    w: list = field(default_factory=list)
    b: list = field(default_factory=list)

    def __post_init__(self):
        rng = self.rng
        self.depth = int(rng.integers(1, 4))
        self.n = int(rng.integers(4, 8))
        width = int(rng.integers(3, 5))
        classes = int(rng.integers(3, 5))
        sizes = [int(rng.integers(3, 6)), *[width] * (self.depth - 1), classes]
        self.act = ("sigmoid", "tanh", "relu")[rng.integers(3)]
        self.loss_kind = ("softmax", "squares", "mean squares")[rng.integers(3)]
        self.last = (
            "none" if self.loss_kind == "softmax" else ("sigmoid", "tanh", "none")[rng.integers(3)]
        )
        self.has_bias, self.decay = bool(rng.integers(3)), DECAY * (rng.integers(4) == 0)
        self.embedded, self.dropout = rng.integers(4) == 0, rng.integers(4) == 0
        self.w = [rng.normal(size=s) for s in pairwise(sizes)]
        self.b = [rng.normal(size=s) for s in sizes[1:]] if self.has_bias else []
        self.ids = rng.integers(0, 3, self.n)
        self.table = rng.normal(size=(3, sizes[0]))
        self.x = self.table[self.ids] if self.embedded else rng.normal(size=(self.n, sizes[0]))
        self.mask = (rng.random((self.n, width)) < KEEP) / KEEP
        self.labels = rng.integers(0, classes, self.n)
        self.t = rng.random((self.n, classes))

    def activation(self, layer):
        return self.last if layer == self.depth - 1 else self.act

    def loss(self):
        """Return the loss as a Value."""
        a = self.x
        if self.embedded:
            a = Value(self.table, name="E")[self.ids]
        decay = 0.0
        for layer, w in enumerate(self.w):
            weight = Value(w, name=f"W{layer}")
            z = (
                ops.dense(a, weight, Value(self.b[layer], name=f"b{layer}"))
                if self.b
                else a @ weight
            )
            kind = self.activation(layer)
            a = z if kind == "none" else getattr(ops, kind)(z)
            if self.dropout and layer == 0 < self.depth - 1:
                a = a * self.mask
            decay = (weight * weight).sum() * (0.5 * self.decay) + decay if self.decay else 0.0
        if self.loss_kind == "softmax":
            error = softmax_cross_entropy(a, labels=self.labels)
        elif self.loss_kind == "squares":
            error = ((a - self.t) ** 2).sum() * 0.5 / float(self.n)
        else:
            error = ((a - self.t) ** 2).mean()
        return error + decay if self.decay else error

    def kinds(self):
        """Return the mistakes that can be made here: kinds, each with the layer that it is made in."""
        top, found = (
            self.depth - 1,
            [("no 1/N", 0), ("sign", 0), ("last sample", 0), ("first sample", 0)],
        )
        if self.loss_kind == "softmax":
            found += [(k, 0) for k in ("no label", "class off by one", "neighbor's label", "no one-hot",
                      "no Jacobian", "diagonal", "p(1-p) too many", "softmax over samples",
                      "sigmoid for softmax")]  # fmt: skip
        else:
            found += [(k, 0) for k in ("no label", "class off by one", "neighbor's label")]
            found += [("no 2", 0)] if self.loss_kind == "mean squares" else []
        found += [("no decay", 0), ("decay twice", 0)] if self.decay else []
        found += [("repeats lost", 0)] if self.embedded else []
        for layer in range(self.depth):
            kind, square = self.activation(layer), len(set(self.w[layer].shape)) == 1
            names = ["no input", "W doubled", "W turned", "W over N", "W zero", "W four times"]
            names += [] if kind == "none" else ["no slope", "another slope"]
            names += {"tanh": ["1 - h", "slope at output", "slope from input", "slope twice"],
                      "sigmoid": ["a(1+a)", "slope at output", "slope from input", "slope twice"],
                      "relu": ["mask of gradient"], "none": []}[kind]  # fmt: skip
            names += ["W on its side"] if square else []
            if layer > 0 or self.embedded:
                names += ["dW for W", "moved W", "1/N again"] + ["W not transposed"] * square
            names += ["z for h"] if layer > 0 and not (self.dropout and layer == 1) else []
            names += ["inputs swapped"] if layer == 0 else []
            if self.b:
                names += ["b doubled", "b turned", "b mean", "b last", "b zero", "b four times"]
                names += ["no bias forward"]
                same = layer < top and self.b[layer].shape == self.b[layer + 1].shape
                names += ["b of the next"] if same else []
            found += [(name, layer) for name in names]
        if self.dropout and self.depth > 1:
            found += [("no mask", 0), ("no mask scale", 0)]
        return found

    def forward(self, made):
        """Return the sums and outputs of all layers; the outputs begin with the input."""
        sums, outputs = [], [self.x]
        for layer, w in enumerate(self.w):
            z = outputs[-1] @ w
            if self.b and ("no bias forward", layer) not in made:
                z = z + self.b[layer]
            a = ACTIVATIONS[self.activation(layer)][0](z)
            sums.append(z)
            outputs.append(a * self.mask if self.dropout and layer == 0 < self.depth - 1 else a)
        return sums, outputs

    def blame(self, output, made):
        """Return the derivative of the loss by the network's output."""

        def does(kind):
            return (kind, 0) in made

        n, t = self.n, self.t
        if self.loss_kind == "softmax":
            axis = 0 if does("softmax over samples") else 1
            e = np.exp(output)
            p = e / e.sum(axis=axis, keepdims=True)
            p = 1 / (1 + np.exp(-output)) if does("sigmoid for softmax") else p
            labels = self.labels + does("class off by one")
            labels = np.roll(labels, 1) if does("neighbor's label") else labels
            y = np.eye(p.shape[1])[labels % p.shape[1]] * (not does("no label"))
            d = p - (labels[:, None] if does("no one-hot") else y)
            d = -y / p if does("no Jacobian") else y * (p - 1) if does("diagonal") else d
            d = d * p * (1 - p) if does("p(1-p) too many") else d
        else:
            t = np.roll(t, 1, axis=1) if does("class off by one") else t
            t = np.roll(t, 1, axis=0) if does("neighbor's label") else t
            d = output - t * (not does("no label"))
        if self.loss_kind == "mean squares":
            n, d = output.size, d if does("no 2") else 2 * d
        d = d if does("no 1/N") else d / n
        d = -d if does("sign") else d
        if does("last sample"):
            d = d * (np.arange(self.n) == self.n - 1)[:, None]
        return d * (np.arange(self.n) == 0)[:, None] if does("first sample") else d

    def slope(self, layer, z, a, d, made):
        """Return a layer's slope, or what the student takes for it."""

        def does(kind):
            return (kind, layer) in made

        kind = self.activation(layer)
        function, right = ACTIVATIONS[kind]
        s = right(z, a)
        s = right(a, function(a)) if does("slope at output") else s
        s = right(z, z) if does("slope from input") else s
        s = 1 - a if does("1 - h") else a * (1 + a) if does("a(1+a)") else s
        if does("another slope"):
            s = 1 - a**2 if kind == "sigmoid" else a * (1 - a)
        s = np.ones_like(z) if does("no slope") else s
        s = (d > 0) * 1.0 if does("mask of gradient") else s
        return s * s if does("slope twice") else s

    def gradients(self, *mistakes):
        """Return the gradients by name, with these mistakes in them."""
        made, given = set(mistakes), {}
        sums, outputs = self.forward(made)
        d = self.blame(outputs[-1], made)
        for layer in reversed(range(self.depth)):
            w, z, below = self.w[layer], sums[layer], outputs[layer]

            def does(kind, layer=layer):
                return (kind, layer) in made

            if self.dropout and layer == 0 < self.depth - 1 and not does("no mask"):
                d = d * ((self.mask > 0) if does("no mask scale") else self.mask)
            a = ACTIVATIONS[self.activation(layer)][0](z)
            d = d * self.slope(layer, z, a, d, made)
            seen = np.ones_like(below) if does("no input") else below
            seen = sums[layer - 1] if does("z for h") else seen
            seen = seen[:, [1, 0, *range(2, seen.shape[1])]] if does("inputs swapped") else seen
            given[f"W{layer}"] = self.of_weight(seen.T @ d, w, does, ("no decay", 0) in made,
                                                ("decay twice", 0) in made)  # fmt: skip
            if self.b:
                given[f"b{layer}"] = self.of_bias(d, does)
            through = w.T if does("W not transposed") else w
            through = given[f"W{layer}"] if does("dW for W") else through
            through = through - RATE * given[f"W{layer}"] if does("moved W") else through
            d = d @ through.T / (self.n if does("1/N again") else 1)
        for layer in range(self.depth - 1):
            if ("b of the next", layer) in made:
                given[f"b{layer}"] = given[f"b{layer + 1}"]
        if self.embedded:
            given["E"] = np.zeros_like(self.table)
            if ("repeats lost", 0) in made:
                given["E"][self.ids] += d
            else:
                np.add.at(given["E"], self.ids, d)
        return given

    def of_weight(self, g, w, does, no_decay, decay_twice):
        g = g + self.decay * w * (not no_decay) * (1 + decay_twice)
        g = 2 * g if does("W doubled") else -g if does("W turned") else g
        g = g / self.n if does("W over N") else 4 * g if does("W four times") else g
        g = g * 0 if does("W zero") else g
        return g.T if does("W on its side") else g

    def of_bias(self, d, does):
        g = d.mean(axis=0) if does("b mean") else d[-1] if does("b last") else d.sum(axis=0)
        g = 2 * g if does("b doubled") else -g if does("b turned") else g
        return 4 * g if does("b four times") else g * 0 if does("b zero") else g


def apart(a, b):
    """Return the largest relative difference of two dicts of gradients."""
    sizes = {name: max(np.abs(a[name]).max(), np.abs(b[name]).max(), 1e-300) for name in a}
    return max(np.abs(a[name] - b[name]).max() / sizes[name] for name in a)


def draw(rng, count):
    """Return a student, some mistakes that each change the numbers, and the gradients with all of them."""
    while True:
        student = Student(rng)
        kinds = student.kinds()
        chosen = [kinds[i] for i in rng.choice(len(kinds), count, replace=False)]
        given = student.gradients(*chosen)
        fewer = [student.gradients(*[m for m in chosen if m is not one]) for one in chosen]
        finite = all(np.all(np.isfinite(g)) for g in given.values())
        # A dead network has no gradient to judge, and where one mistake hides another, one is enough.
        alive = all(np.abs(g).max() > 1e-6 for g in student.gradients().values())
        hidden = any(apart(given, numbers) < 1e-5 for numbers in [*fewer, student.gradients()])
        if finite and alive and not hidden:
            return student, chosen, given
