"""The sources' networks in pencil algebra: no autograd, every derivative written out by hand.

Before a machine does your calculus, do it once yourself. Each module here is one well-loved
introduction to neural networks, in its own words, on NumPy alone, with the formula beside each
line:

* `neuron`: football in the park, one neuron that decides and its sister that learns;
* `links`: Lernmi, Neurons and Links that pass blame (*sensitivity*) along;
* `worked_example`: Mazur's 2-2-2 network, node by node, and the two orders its article mixes;
* `nielsen`: [784, 30, 10] with `delta`, `nabla_b`, `nabla_w`;
* `rashid`: 784-H-10 with the book's own rule beside the gradient, and the back query;
* `softmax_mlp`: the Keras network: ReLU, dropout, softmax cross-entropy, RMSprop.

Every network that learns has the same five methods, so that each can be laid beside autograd:

    parameters()                 → {name: copy of its array}
    set_parameters({name: array})  takes copies; all names and shapes must fit
    error(inputs, targets)       → the number E that the gradients are of
    gradients(inputs, targets)   → {name: ∂E/∂name}, exact, same names and shapes; changes nothing
    train_step(inputs, targets)    moves the parameters once

Data come as the source has them: one sample (features,) for `links`, `worked_example` and `rashid`,
a batch (N, features) for the others; targets are numbers, and for `softmax_mlp` integer labels.

Where a source steps along something other than the gradient (Rashid's rule; Mazur's in-place
order and a JavaScript net's turned sign), `update_rule(inputs, targets)` returns that something;
a step subtracts rate × it. Laid beside `gradients`, it shows what went wrong.

>>> from tinygrad_edu.by_hand import RashidNetwork
>>> network = RashidNetwork(2, 3, 2, rng=0)
>>> sample = [0.5, 1.0], [0.01, 0.99]
>>> gradient, rule = network.gradients(*sample), network.update_rule(*sample)
>>> {name: bool((gradient[name] == rule[name]).all()) for name in gradient}
{'wih': False, 'who': True}
"""

from tinygrad_edu.by_hand.links import Link, LinkLayer, Network, Neuron, NeuronLayer
from tinygrad_edu.by_hand.neuron import SigmoidNeuron, ThresholdNeuron
from tinygrad_edu.by_hand.nielsen import NielsenNetwork
from tinygrad_edu.by_hand.rashid import RashidNetwork, scale_pixels, target_outputs
from tinygrad_edu.by_hand.softmax_mlp import SoftmaxMLP
from tinygrad_edu.by_hand.worked_example import WorkedExample, total_error

__all__ = [
    "Link",
    "LinkLayer",
    "Network",
    "Neuron",
    "NeuronLayer",
    "NielsenNetwork",
    "RashidNetwork",
    "SigmoidNeuron",
    "SoftmaxMLP",
    "ThresholdNeuron",
    "WorkedExample",
    "scale_pixels",
    "target_outputs",
    "total_error",
]
