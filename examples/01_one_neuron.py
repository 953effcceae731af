"""Backpropagation by hand: one input, one hidden neuron, one output, and every number of one pass.

The hand computation on the left is plain Python, one line an equation; on the right is what Backlit computed.
Run it: python examples/01_one_neuron.py
"""

from math import exp

import numpy as np

from backlit import Network, objective
from backlit.engines import choose

x, y, learning_rate = 0.5, 1.0, 0.5
W2, b2 = 0.8, 0.1  # into the hidden neuron, layer 2
W3, b3 = 1.2, -0.05  # into the output, layer 3


def sigmoid(z):
    return 1 / (1 + exp(-z))


# Feed forward: z = a W + b, a = σ(z), layer by layer.
z2 = x * W2 + b2
a2 = sigmoid(z2)
z3 = a2 * W3 + b3
a3 = sigmoid(z3)
cost = (a3 - y) ** 2

# BP1, error of the output: δ³ = ∂C/∂a³ · σ'(z³). For the sigmoid σ' = a(1 - a).
delta3 = 2 * (a3 - y) * a3 * (1 - a3)
# BP2, error of the hidden layer: δ² = δ³ W³ · σ'(z²).
delta2 = delta3 * W3 * a2 * (1 - a2)
# BP3 and BP4, the gradients: ∂C/∂b = δ, ∂C/∂W = δ times what came in.
hand = {
    "z of layer 2": z2, "a of layer 2": a2, "z of layer 3": z3, "a of layer 3": a3, "cost": cost,
    "error of layer 3 (BP1)": delta3, "error of layer 2 (BP2)": delta2,
    "gradient of b, layer 3 (BP3)": delta3, "gradient of b, layer 2 (BP3)": delta2,
    "gradient of W, layer 3 (BP4)": delta3 * a2, "gradient of W, layer 2 (BP4)": delta2 * x,
}  # fmt: skip

# The same by Backlit.
net = Network([1, 1, 1], activation="sigmoid", output="sigmoid", dtype="float64")
net.parameters[:] = [W2, b2, W3, b3]
goal = objective.choose("sigmoid", "mse")
one = np.ones(1)
passed = choose("auto", net).engine.backward_pass(net, goal, np.array([[x]]), np.array([[y]]), one)
forward, delta, gradients = passed.forward, passed.errors.delta, passed.gradients
backlit = {
    "z of layer 2": forward.z[2], "a of layer 2": forward.a[2], "z of layer 3": forward.z[3],
    "a of layer 3": forward.a[3], "cost": passed.row_costs, "error of layer 3 (BP1)": delta[3],
    "error of layer 2 (BP2)": delta[2], "gradient of b, layer 3 (BP3)": gradients.b[3],
    "gradient of b, layer 2 (BP3)": gradients.b[2], "gradient of W, layer 3 (BP4)": gradients.W[3],
    "gradient of W, layer 2 (BP4)": gradients.W[2],
}  # fmt: skip

print(f"{'':<30}{'by hand':>12}{'backlit':>12}")
for name, value in hand.items():
    print(f"{name:<30}{value:>12.7f}{backlit[name].item():>12.7f}")
largest = max(abs(value - backlit[name].item()) for name, value in hand.items())
print(f"largest difference: {largest:.1e}")

# One step of gradient descent, θ ← θ - η ∂C/∂θ, and the cost is smaller.
net.parameters[:] -= learning_rate * gradients.vector
after = (net.predict([[x]]).item() - y) ** 2
print(f"cost before one step of learning rate {learning_rate}: {cost:.7f}, after: {after:.7f}")
