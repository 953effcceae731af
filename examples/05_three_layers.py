"""A three-layer network as Ng's machine learning course teaches it: the same gradient row by row and as one product.

One hidden layer, sigmoids throughout, cross-entropy summed over the outputs, an L2 penalty without the biases, plain
gradient descent on all rows. The course accumulates Δ row by row: Δ^(l) += δ^(l+1) a^(l)ᵀ. One matrix product over all
rows gives the same numbers, which is why it is the one that runs.

Run it: python examples/05_three_layers.py
"""

import numpy as np

import backlit as bl
from backlit.engines import choose

X, labels = bl.data.load("digits")
X, labels = X[:200].astype(np.float64), labels[:200]
Y = np.eye(10)[labels]
m, l2 = len(X), 1.0

net = bl.Network(
    [64, 25, 10], activation="sigmoid", output="sigmoid", initializer="small-uniform", seed=0, dtype="float64"
)
W2, b2 = net.layer(2).W, net.layer(2).b
W3, b3 = net.layer(3).W, net.layer(3).b


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Row by row, as the course's exercise does it.
D2, d2, D3, d3, cost = np.zeros_like(W2), np.zeros_like(b2), np.zeros_like(W3), np.zeros_like(b3), 0.0
for x, y in zip(X, Y, strict=True):
    a2 = sigmoid(W2 @ x + b2)
    a3 = sigmoid(W3 @ a2 + b3)
    cost += -(y * np.log(a3) + (1 - y) * np.log(1 - a3)).sum()
    delta3 = a3 - y  # BP1: for the sigmoid with this cost, everything else cancels
    delta2 = (W3.T @ delta3) * a2 * (1 - a2)  # BP2
    D3 += np.outer(delta3, a2)
    d3 += delta3
    D2 += np.outer(delta2, x)
    d2 += delta2
by_row = np.concatenate([((D2 + l2 * W2) / m).ravel(), d2 / m, ((D3 + l2 * W3) / m).ravel(), d3 / m])
cost = cost / m + l2 / (2 * m) * ((W2**2).sum() + (W3**2).sum())

# As one product over all rows: BP3 and BP4 of Backlit.
goal = bl.objective.choose("sigmoid", "binary-cross-entropy", l2=l2, n=m)
at_once = choose("auto", net).engine.backward_pass(net, goal, X, Y, np.ones(m)).gradients.vector
print(f"cost at the start: {cost:.6f}")
print(f"{by_row.size:,} gradients; row by row and at once differ by at most {np.abs(by_row - at_once).max():.1e}")

# Full-batch gradient descent.
run = bl.train(
    net, X, Y, cost="binary-cross-entropy", l2=l2, optimizer="sgd", learning_rate=1.0, batch_size="all", epochs=400
)
first, last = run.history[0], run.history[-1]
print(f"cost without the penalty: {first.cost:.4f} before the first step, {last.cost:.4f} before the last of 400")
print(f"accuracy on its own 200 rows: {last.accuracy:.1%}")
