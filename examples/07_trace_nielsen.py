"""Nielsen's four equations, evaluated with column vectors as his book writes them, and the trace in his notation.

Run it: python examples/07_trace_nielsen.py
"""

import numpy as np

from backlit.trace.examples import example

t = example("2-3-1").trace(learning_rate=2.0)
w = {l: t.network.layer(l).W for l in (2, 3)}
b = {l: t.network.layer(l).b[:, np.newaxis] for l in (2, 3)}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


# Activations are columns: z^l = w^l a^{l-1} + b^l.
a1 = t.X.T
z2 = w[2] @ a1 + b[2]
a2 = sigma(z2)
z3 = w[3] @ a2 + b[3]
a3 = sigma(z3)
delta3 = (a3 - t.Y.T) * sigma_prime(z3)  # BP1, with the quadratic cost
delta2 = (w[3].T @ delta3) * sigma_prime(z2)  # BP2
gradients = {3: (delta3 @ a2.T, delta3), 2: (delta2 @ a1.T, delta2)}  # BP4 and BP3

for at in (("delta", 3, 0), ("delta", 2, 1), ("weight", 2, 1, 0), ("bias", 2, 1), ("update_weight", 2, 1, 0)):
    print(t.explain(*at, notation="nielsen"))
    print()
apart = max(np.abs(gradients[l][0] - t.weight_gradient(l)).max() for l in (2, 3))
print(f"by columns and by the trace, the gradients differ by at most {apart:.1e}")
