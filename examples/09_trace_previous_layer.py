"""Layers named from the output, a recursion on ∂C/∂a, and no δ: one neuron a layer, traced and by hand.

Run it: python examples/09_trace_previous_layer.py
"""

from math import exp

from backlit.trace.examples import example

t = example("1-1-1").trace()
for at in (("a", 3, 0), ("dC_da", 3, 0), ("weight", 3, 0, 0), ("dC_da", 2, 0), ("weight", 2, 0, 0), ("bias", 2, 0)):
    print(t.explain(*at, notation="previous-layer"))
    print()

# By hand: ∂C/∂a^(L), ∂C/∂w^(L-1), then ∂C/∂a^(L-1) and ∂C/∂w^(L-2).
(x,), (y,) = t.X[0], t.Y[0]
(w1, b1), (w2, b2) = ((t.network.layer(l).W[0, 0], t.network.layer(l).b[0]) for l in (2, 3))


def sigma(z):
    return 1 / (1 + exp(-z))


a1 = sigma(w1 * x + b1)
a2 = sigma(w2 * a1 + b2)
to_a2 = 2 * (a2 - y)
to_w2 = a1 * (a2 * (1 - a2)) * to_a2
to_a1 = w2 * (a2 * (1 - a2)) * to_a2
to_w1 = x * (a1 * (1 - a1)) * to_a1
print(f"the output is {a2:.2f}, the cost {(a2 - y) ** 2:.4f}, and dC/da {to_a2:.2f}")
apart = max(abs(to_w2 - t.weight_gradient(3)[0, 0]), abs(to_w1 - t.weight_gradient(2)[0, 0]))
print(f"by hand and by the trace, the gradients differ by at most {apart:.1e}")
