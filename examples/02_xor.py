"""Exclusive or: the smallest thing that one layer cannot learn and two can.

Run it: python examples/02_xor.py
"""

import numpy as np

import backlit as bl

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])

# No hidden layer: a straight line cannot part (0,0) and (1,1) from (0,1) and (1,0), so the cost stays at ln 2.
alone = bl.Network([2, 1], output="sigmoid", seed=0)
run = bl.train(alone, X, y, batch_size="all", epochs=2000, learning_rate=0.05, progress=False)
print(f"without a hidden layer: cost {run.history[-1].cost:.4f} (ln 2 = {np.log(2):.4f})")

# Four hidden neurons bend the line.
net = bl.Network([2, 4, 1], activation="tanh", output="sigmoid", seed=0)
run = bl.train(net, X, y, batch_size="all", epochs=2000, learning_rate=0.05, progress=False)
print(f"with four hidden neurons: cost {run.history[-1].cost:.4f}")
for row, target, output in zip(X, y, net.predict(X)[:, 0], strict=True):
    print(f"  {row[0]} xor {row[1]} = {target}, the network says {output:.3f}")
