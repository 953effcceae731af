"""Ng's Θ, the accumulators Δ gathered row by row, and D: in NumPy as his exercise does it, and traced.

Run it: python examples/08_trace_ng.py
"""

import numpy as np

from backlit.trace.examples import example

t = example("three-layers").trace()
m, lam = t.rows, t.objective.l2
Theta = {l - 1: np.column_stack([t.network.layer(l).b, t.network.layer(l).W]) for l in (2, 3)}


def g(z):
    return 1 / (1 + np.exp(-z))


Delta = {l: np.zeros_like(theta) for l, theta in Theta.items()}
for x, y in zip(t.X, t.Y, strict=True):
    a1 = np.append(1, x)
    a2 = np.append(1, g(Theta[1] @ a1))
    a3 = g(Theta[2] @ a2)
    delta3 = a3 - y
    delta2 = (Theta[2].T @ delta3)[1:] * a2[1:] * (1 - a2[1:])
    Delta[2] += np.outer(delta3, a2)
    Delta[1] += np.outer(delta2, a1)
D = {}
for l, theta in Theta.items():
    D[l] = Delta[l] / m
    D[l][:, 1:] += lam / m * theta[:, 1:]  # column 0, the biases, is not penalised

for at in (("z", 2, 0), ("delta", 2, 0)):
    print(t.explain(*at, row=0, notation="ng"))
    print()
print(t.explain("weight", 2, 0, 0, notation="ng"))
print()
print(t.explain("bias", 2, 0, notation="ng"))
apart = max(np.abs(D[l - 1] - np.column_stack([t.bias_gradient(l), t.weight_gradient(l)])).max() for l in (2, 3))
print(f"\nrow by row and by the trace, D differs by at most {apart:.1e}")
