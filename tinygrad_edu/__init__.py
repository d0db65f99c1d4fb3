"""tinygrad_edu"""

from tinygrad_edu.value import Value, grad, no_grad, ancestors
