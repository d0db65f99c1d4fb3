"""XOR: two yes-or-no questions, one answer: is exactly one of them a yes?

No single neuron can say so, since no straight line parts the two cases from the other two. Three hidden
neurons that bend can. This is the whole of deep learning without any options: network, loss, and the loop.
To watch the gradient flow back, add `mean_squared_error(model(questions), answers).draw("xor.html")`.

    python examples/xor.py
"""

import numpy as np

from tinygrad_edu import SGD, Dense, Sequential, Tanh, mean_squared_error

questions = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
answers = np.array([[0], [1], [1], [0]], np.float32)

model = Sequential(Dense(2, 3), Tanh(), Dense(3, 1), rng=0)
optimizer = SGD(model.parameters(), lr=0.2)

for step in range(201):
    loss = mean_squared_error(model(questions), answers)  # how wrong is it?
    optimizer.zero_grad()
    loss.backward()  # whose fault is it?
    optimizer.step()  # a little less of that
    if step % 40 == 0:
        print(f"step {step:3}  loss {loss.data:.4f}")

for (a, b), (said,) in zip(questions, model(questions).data, strict=True):
    print(f"{a:.0f} xor {b:.0f} is {said:.2f}")
