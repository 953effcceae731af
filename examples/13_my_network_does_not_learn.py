"""Three networks that do not learn: what is found, and the remedy at work. Then: which learning rate, and more data?

Run it: python examples/13_my_network_does_not_learn.py
"""

import numpy as np

import backlit as bl

digits = bl.data.read("digits")
rng = np.random.default_rng(0)
rows = rng.permutation(1797)
new, old = rows[:500], rows[500:]  # 500 images that train nothing, to judge by
X, y = digits.X / 16, digits.y


def trained(sizes, y=y, network=None, **options):
    """A network trained while a lens watches, and its accuracy on the 500."""
    net = bl.Network(sizes, output="softmax", **(network or {}))
    lens = bl.Lens()
    run = bl.train(net, X[old], y[old], epochs=30, validation=0.2, callbacks=[lens], progress=False, **options)
    right = (net.predict(X[new]).argmax(axis=1) == digits.y[new]).mean()
    return bl.diagnose(net, X[old], y[old], run=run), right


deep = [64, 30, 30, 30, 30, 30, 10]
stack = {"activation": "sigmoid"}
diagnosis, before = trained(deep, network=stack, optimizer="sgd")
print(f"a stack of sigmoids: accuracy {before:.0%}\n{diagnosis.first}")
_, after = trained(deep, network=stack | dict(diagnosis.first.remedy.network), optimizer="sgd")
print(f"with the remedy: {after:.1%}\n")

diagnosis, before = trained([64, 64, 64, 10], optimizer="sgd", learning_rate=5)
print(f"too high a learning rate: accuracy {before:.0%}")
print("found:", ", ".join(finding.rule for finding in diagnosis.findings))
_, after = trained([64, 64, 64, 10], optimizer="sgd", **diagnosis.first.remedy.train)
print(f"{diagnosis.first.remedy.text}: {after:.1%}\n")

labels = y.copy()
wrong = rng.choice(old, 65, replace=False)  # 5 % of the labels
labels[wrong] = (y[wrong] + rng.integers(1, 10, 65)) % 10
diagnosis, before = trained([64, 128, 10], labels)
noise = next((finding for finding in diagnosis.findings if finding.rule == "label-noise"), None)
print(f"wrong labels: accuracy {before:.1%}; {'nothing said of them' if noise is None else noise.what}")
if noise is not None:
    hit = np.isin(old[list(noise.where.rows)], wrong).mean()
    print(f"of the rows it names, {hit:.0%} are among those made wrong\n")

net = bl.Network([64, 30, 10], output="softmax")
found = bl.find_learning_rate(net, X[old], y[old], optimizer="sgd")
print(found)
bl.train(net, X[old], y[old], optimizer="sgd", learning_rate=found.suggestion, progress=False)
right = (net.predict(X[new]).argmax(axis=1) == y[new]).mean()
print(f"trained with it: {right:.1%}\n")

print(bl.more_data(X, y, estimator=bl.BackpropClassifier((30,), max_iter=30), splits=3))
