"""One pass, every number of it, and the equation that made each: in Backlit's own notation.

The network is Matt Mazur's step by step example; its published numbers stand beside what the trace finds.
Run it: python examples/12_trace_backlit.py [page.html]
"""

import sys

from backlit.trace.examples import example

t = example("mazur").trace()
print(t.explain("weight", layer=3, j=0, k=0))
print()
print(t.explain("delta", layer=2, neuron=0))
print()
print(t.channels("weight", layer=2, j=0, k=0))
print()

published = {"dE/dw5": 0.082167041, "dE/dw1": 0.000438568, "total error": 0.298371109}
found = {"dE/dw5": t.weight_gradient(3)[0, 0], "dE/dw1": t.weight_gradient(2)[0, 0], "total error": t.cost.total}
for name, value in published.items():
    print(f"{name}: published {value}, traced {found[name]:.9f}")
print(f"largest difference: {max(abs(found[name] - value) for name, value in published.items()):.1e}")

if len(sys.argv) > 1:
    t.to_html(sys.argv[1], force=True)
    print(f"the page is in {sys.argv[1]}")
