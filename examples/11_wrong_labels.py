"""Wrong labels found, a prediction explained by the rows that taught it, and a weight by the rows that moved it.

Run it: python examples/11_wrong_labels.py [FOLDER]

Writes rows.csv and, where matplotlib is installed, sheet.png into FOLDER (default: a temporary one).
"""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import backlit as bl

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
X, y = bl.data.load("digits")
X, y = X[:900], y[:900]

labels = y.copy()  # 5 % of the labels made wrong, so that there is something to find
wrong = np.random.default_rng(0).choice(len(y), 45, replace=False)
labels[wrong] = (y[wrong] + np.random.default_rng(1).integers(1, 10, 45)) % 10

report = bl.rows(X, labels, seeds=1)
print(report)
found = np.isin(report.ranking[:45], wrong).mean()
print(f"\nof the first 45 rows of the ranking, {found:.0%} have a label that was made wrong")
report.write(folder / "rows.csv", force=True)
if find_spec("matplotlib"):
    report.sheet(folder / "sheet.png", force=True)

kept = bl.rows.Snapshots()
watch = bl.rows.Provenance(layer=3, j=7, k=2)
net = bl.Network([64, 30, 10], output="softmax", seed=0)
bl.train(net, X, labels, epochs=15, optimizer="sgd", callbacks=[kept, watch])

taught = bl.rows.influence(kept, X, labels, 17)
print(f"\n{taught}")
same = (labels[taught.up(20)] == net.predict(X[17:18]).argmax()).mean()
print(f"of the 20 rows that pushed it up most, {same:.0%} carry the class it predicts")

print(f"\n{watch.result}")
