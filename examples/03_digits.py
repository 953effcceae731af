"""Real handwritten digits: train, watch, keep the best epoch, save, load, predict.

Run it: python examples/03_digits.py
"""

import tempfile
from pathlib import Path

import backlit as bl
from backlit.data import split

X, y = bl.data.load("digits")  # 1,797 images of 8 × 8 pixels, from 0 to 1
parts = split(y, validation=0.2, test=0.2, seed=0, stratify=True)

net = bl.Network([64, 100, 10], activation="relu", output="softmax", seed=0)
run = bl.train(
    net,
    X[parts.train],
    y[parts.train],
    validation=(X[parts.validation], y[parts.validation]),
    epochs=40,
    early_stopping=bl.EarlyStopping(patience=10),
)
print(run.curve())
print(f"{run.stopped}; kept epoch {run.best_epoch}")

right = net.predict(X[parts.test]).argmax(axis=1) == y[parts.test]
print(f"test rows, which chose nothing: {right.mean():.2%} right of {len(right)}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.safetensors"
    bl.save(net, path)
    same = (bl.load(path).predict(X) == net.predict(X)).all()
    print(f"saved in {path.stat().st_size:,} bytes; loaded, it predicts the same bits: {same}")
