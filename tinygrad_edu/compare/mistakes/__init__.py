"""The museum of mistakes: every way in which a derivation by hand is known to go wrong.

A mistake is the chain rule's walk with one thing changed (see `changes`): a wrong rule, a path forgotten, a
number read in the wrong place, too early or too late. Each yields the gradients that somebody would get who
made that one mistake. `audit` runs them all, alone and in pairs, and looks which of them give the numbers in
question.

The table `MISTAKES` lists them, one entry each: a name, a sentence with a gap, and the `ways` to make the
mistake in a given calculation. The wrong `rules` stand in a module of their own. To add a mistake, add an
entry. Where several give the same numbers, the one further up is named first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.compare.mistakes import rules, ways
from tinygrad_edu.compare.mistakes.changes import Change
from tinygrad_edu.compare.mistakes.rules import (
    FORMULAS,
    behind_softmax,
    in_softmax,
    labels_that_are,
    one_hot,
)
from tinygrad_edu.compare.mistakes.ways import (
    Attempts,
    at_places,
    handed,
    in_one_stream,
    not_summed,
    other_targets,
    times,
)
from tinygrad_edu.compare.places import Case

__all__ = ["MISTAKES", "Case", "Change", "Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make: its `name`, `what` is done as a sentence with a gap, and the `ways`.

    `unknown` names a number that the mistake needs and that has to be found out, such as a learning rate.
    """

    name: str
    what: str
    ways: Attempts
    unknown: str = ""


#: Factors that come from nowhere in particular.
CONSTANTS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 0.25)

#: All mistakes, the likelier ones first where several have the same effect.
MISTAKES: tuple[Mistake, ...] = (
    Mistake("= instead of +=", "of {} is kept", ways.one_survives),
    Mistake("= instead of +=", "the part that arrives last replaces all before{}", ways.all_overwritten),
    Mistake("repeats lost", "of an index that is there several times only the last gradient is kept, as by "
            "dE[ids] += …", at_places(rules.repeats_lost)),
    Mistake("repeats lost", "an index that is there several times gets the mean of its gradients",
            at_places(rules.repeats_averaged)),
    Mistake("repeats lost", "windows that overlap replace each other's gradients instead of adding them",
            at_places(rules.windows_assigned)),
    Mistake("1/N missing", "a sum for a mean: everything behind it is {:g} times as large",
            at_places(rules.no_count)),
    Mistake("1/N missing", "{:g} times too large",
            handed(times(lambda case: [float(n) for n in case.counts()]))),
    Mistake("factor left out", "the factor {} is left out", at_places(rules.no_factor)),
    Mistake("factor left out", "the factor {} is left out in what is passed on to the layers before, "
            "not for the layer's own weights", in_one_stream(rules.no_slope, own=False)),
    Mistake("factor left out", "the factor {} is left out for the layer's own weights, not in what is "
            "passed on", in_one_stream(rules.no_slope, own=True)),
    Mistake("factor left out", "the inputs that the weights are multiplied by are forgotten, as if they "
            "were 1", at_places(rules.no_input)),
    Mistake("factor left out", "the mask's scale, 1/keep, is left out", at_places(rules.no_mask_scale)),
    Mistake("sign turned", "plus for minus", handed(times(lambda case: [-1.0]))),
    Mistake("sign turned", "plus for minus", at_places(rules.no_minus)),
    Mistake("weights updated too early", "each layer's weights move first, and the error goes back "
            "through the moved ones", ways.moved_early(settled=True), "learning rate"),
    Mistake("weights updated too early", "all weights move first, then the error goes back through the "
            "moved ones", ways.moved_early(settled=False), "learning rate"),
    Mistake("stale weights", "the gradient is that of the parameters before the last step; the graph was "
            "not computed anew", ways.before_the_step()),
    Mistake("stale weights", "the error goes back through the weights from before the last step",
            ways.before_the_step(forward=False)),
    Mistake("forgotten zero_grad", "the gradient of the step before is still in it",
            ways.before_the_step(added=True)),
    Mistake("forgotten zero_grad", "the gradients of {:g} backward passes are added up",
            handed(times(lambda case: map(float, range(2, 11))), only_all=True)),
    Mistake("factor 2", "half as large: a 2 is missing", handed(times(lambda case: [0.5]))),
    Mistake("factor 2", "twice as large: a ½ is missing", handed(times(lambda case: [2.0]))),
    Mistake("factor 2", "{}: a 2 is missing", at_places(rules.formula(
            "power", "xʸ⁻¹ for y·xʸ⁻¹", lambda z, x, y: x ** (y - 1.0)))),
    Mistake("divided by N", "divided by {}, a mean for a sum", handed(ways.divided)),
    Mistake("divided by N", "divided by {} once more, from there back", ways.divided_on_the_way),
    Mistake("transposed", "it lies on its side", handed(ways.transposed)),
    Mistake("transposed", "the other matrix of the product is not transposed, or once too often",
            at_places(rules.not_transposed)),
    Mistake("transposed", "what arrives is transposed", at_places(rules.upstream_transposed)),
    Mistake("transposed", "the filters are turned round by half a turn", handed(ways.turned_round)),
    Mistake("transposed", "the filters are read turned round by half a turn", ways.filters_not_turned),
    Mistake("weights exchanged", "each is taken for the other, as if W stood where Wᵀ belongs",
            ways.exchanged),
    Mistake("gradient for weight", "the error goes back through dW where W belongs",
            ways.gradient_for_weight),
    Mistake("inputs swapped", "{} are taken for one another", ways.inputs_swapped),
    Mistake("another's gradient", "{}", ways.of_another),
    Mistake("unbroadcast missing", "{}", not_summed("not summed over the batch", lambda g, axis: g)),
    Mistake("unbroadcast missing", "{}", not_summed("averaged over the batch instead of summed",
            lambda g, axis: g.mean(axis=axis))),
    Mistake("unbroadcast missing", "{}", not_summed("of the first sample only",
            lambda g, axis: g.take(0, axis=axis))),
    Mistake("unbroadcast missing", "{}", not_summed("of the last sample only",
            lambda g, axis: g.take(-1, axis=axis))),
    Mistake("wrong axis", "{}", not_summed("summed over the neurons instead of the samples",
            lambda g, axis: g.sum(axis=axis - 1))),
    Mistake("wrong axis", "{}", not_summed("summed over everything, without an axis",
            lambda g, axis: g.sum())),
    Mistake("wrong axis", "{}", not_summed("summed over everything, the same for each neuron",
            lambda g, axis: np.full_like(g.sum(axis=axis), g.sum()))),
    Mistake("wrong axis", "{}", not_summed("right but for its shape: keepdims=True is missing, or too many",
            ways.without_keepdims, reshaped=False)),
    Mistake("bias missing", "the network is computed as if it were 0, in the derivation",
            ways.without_bias),
    Mistake("never written", "it stays 0", handed(times(lambda case: [0.0]))),
    Mistake("label missing", "{}", at_places(behind_softmax(
            "p instead of p − y: the label is not subtracted", lambda x, p, y: p))),
    Mistake("label missing", "{}", other_targets("the target is not subtracted",
            lambda t, samples: t * 0.0)),
    Mistake("one-hot missing", "{}", at_places(behind_softmax(
            "the label itself is subtracted from every p, not its row of 0 and 1",
            lambda x, p, y: p - y[:, None]))),
    *(Mistake("labels shifted", "{}", at_places(behind_softmax(words, labels_that_are(other))))
      for words, other in (
          ("the labels are off by one, too large", lambda y: y + 1),
          ("the labels are off by one, too small", lambda y: y - 1),
          ("each sample gets the label of the one before", partial(np.roll, shift=1)),
          ("each sample gets the label of the next one", partial(np.roll, shift=-1)))),
    *(Mistake("labels shifted", "{}", other_targets(words, other)) for words, other in (
          ("the targets are off by one class", ways.next_class(1)),
          ("the targets are off by one class", ways.next_class(-1)),
          ("each sample gets the target of the one before", ways.next_sample(1)),
          ("each sample gets the target of the next one", ways.next_sample(-1)))),
    Mistake("softmax's Jacobian", "{}", at_places(behind_softmax(
            "the Jacobian of softmax is left out: −y/p instead of p − y",
            lambda x, p, y: -one_hot(y, p) / p))),
    Mistake("softmax's Jacobian", "{}", at_places(behind_softmax(
            "only the diagonal of the Jacobian of softmax, p·(1 − p), is used: y·(p − 1) instead of p − y",
            lambda x, p, y: one_hot(y, p) * (p - 1.0)))),
    Mistake("softmax's Jacobian", "{}", at_places(in_softmax(
            "only the diagonal of the Jacobian of softmax, p·(1 − p), is used",
            lambda g, p, x: g * p * (1.0 - p)))),
    Mistake("softmax's Jacobian", "{}", at_places(in_softmax(
            "the Jacobian of softmax is left out", lambda g, p, x: g))),
    Mistake("softmax's Jacobian", "{}", at_places(in_softmax(
            "the sum over the other classes is left out", lambda g, p, x: g * p))),
    Mistake("factor twice", "{}", at_places(behind_softmax(
            "p − y is multiplied by p·(1 − p), which it has in it already",
            lambda x, p, y: (p - one_hot(y, p)) * p * (1.0 - p)))),
    Mistake("factor twice", "the slope {} is in the loss already", ways.slope_of_logits),
    Mistake("factor twice", "the factor {} is there once too often", at_places(rules.twice)),
    Mistake("another activation's slope", "{}", at_places(behind_softmax(
            "sigmoid in the place of softmax",
            lambda x, p, y: ops.sigmoid(x) - one_hot(y, p)))),
    Mistake("wrong axis", "{}", at_places(behind_softmax(
            "softmax over the samples, not over the classes", rules.softmax_over(0)))),
    Mistake("wrong axis", "{}", at_places(behind_softmax(
            "softmax over samples and classes at once", rules.softmax_over(None)))),
    *(Mistake("wrong axis", "{}", at_places(behind_softmax(
            "the sum in softmax lacks keepdims=True", rules.softmax_over(1, False, shifted), square=True)))
      for shifted in (False, True)),
    Mistake("derivative at the wrong place", "the derivative is taken at the output instead of the input, "
            "f′(f(x))", at_places(rules.slope_at_output)),
    Mistake("derivative at the wrong place", "the derivative's formula is given the input x where it needs "
            "the output f(x)", at_places(rules.slope_from_input)),
    Mistake("derivative at the wrong place", "the slope is that of the {}",
            at_places(rules.slope_elsewhere, grouped=False)),
    Mistake("derivative at the wrong place", "the mask is that of the gradient, not that of the input",
            at_places(rules.masked_by_gradient)),
    Mistake("wrong operand", "the sum z is taken where the activation's output belongs",
            at_places(rules.before_activation)),
    Mistake("wrong operand", "the activation is applied once more to its output",
            at_places(rules.activated_again)),
    *(Mistake("another activation's slope", "the derivative is that of {}",
              at_places(rules.slope_of(other))) for other in (ops.sigmoid, ops.tanh, ops.relu)),
    *(Mistake("wrong slope", "{}", at_places(rules.formula(*row))) for row in FORMULAS),
    Mistake("maximum's place", "the gradient goes to all that the largest was chosen from",
            at_places(rules.to_all_of_them)),
    Mistake("wrong weight of a term", "it is {:g} times as heavy as it is in the loss",
            ways.terms_weighed),
    Mistake("one sample only", "of {} samples only the last one counts", at_places(rules.one_sample(-1))),
    Mistake("one sample only", "of {} samples only the first one counts", at_places(rules.one_sample(0))),
    Mistake("no topological order", "nodes are visited {} from the output, some before all has arrived at "
            "them", ways.without_order),
    Mistake("path dropped", "{}", at_places(rules.no_path, grouped=False)),
    Mistake("regularization added", "λ times the parameter is in it, and no such term is in the loss",
            ways.decayed, "λ"),
    Mistake("constant factor", "{:g} times as large", handed(times(
            lambda case: [c for c in CONSTANTS if c not in case.counts()]))),
)  # fmt: skip
