"""Plants every known mistake in a student's backward pass and counts how often `bl.check_backward` names it.

    python benchmarks/planted_mistakes.py [--networks 20] [--right 1000] [--write docs/check.md]

The student's pass below is plain NumPy, written apart from Backlit, with a switch for each mistake.
"""

import argparse
from pathlib import Path

import numpy as np

import backlit as bl

LOGISTIC = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: z * (z > 0), lambda z: 1.0 * (z > 0)),
    "leaky-relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "softplus": (lambda z: np.log(1 + np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
    "identity": (lambda z: 1 * z, lambda z: 1 + 0 * z),
    "softmax": (lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), None),
}

# name → (what the table says, equation, what it needs of the network)
# ruff: noqa: E501, PLR0912, PLR0915 - a table of mistakes, and a pass with a switch for each
PLANTS = {
    "missing σ'": ("δ² = δ³W³, σ' left out", "BP2", {}),
    "missing σ' at the output": ("δ^L = a - y with a quadratic cost", "BP1", {"cost": "quadratic"}),
    "σ' of a instead of z": ("δ² = δ³W³ ⊙ σ'(a²)", "BP2", {"smooth": True}),
    "σ' of a at the output": ("δ^L = (a - y) ⊙ σ'(a^L)", "BP1", {"cost": "quadratic", "output": "sigmoid"}),
    "σ in place of σ'": ("δ² = δ³W³ ⊙ σ(z²)", "BP2", {}),
    "sign": ("δ^L from y - a, the update downhill", "BP1", {}),
    "sign of one δ": ("-δ² from a right δ³", "BP2", {}),
    "sum in place of mean": ("no 1/m in the gradients, the cost a mean", "BP3", {}),
    "missing 1/m in the weights": ("no 1/m in ∂C/∂W alone", "BP4", {}),
    "missing 1/m in the biases": ("no 1/m in ∂C/∂b alone", "BP3", {}),
    "½ of the cost forgotten": ("C = (1/m) Σ (a - y)², δ right", "cost", {"cost": "quadratic"}),
    "½ forgotten in δ": ("δ^L = 2 (a - y) ⊙ σ'(z^L), C right", "BP1", {"cost": "quadratic"}),
    "W not transposed": ("δ² = δ³ W³ᵀ ⊙ σ'(z²), W³ square", "BP2", {"square": True}),
    "new weights": ("δ² with the updated W³ (sequential update)", "BP2", {}),
    "regularised biases": ("∂C/∂b + (λ/n) b", "penalty", {"l2": True}),
    "penalty left out": ("∂C/∂W without (λ/n) W", "penalty", {"l2": True}),
    "penalty not divided by n": ("∂C/∂W + λ W", "penalty", {"l2": True}),
    "σ' off by one layer": ("δ² with σ'(z³)", "BP2", {"square": True}),
    "W off by one layer": ("δ² with W² in place of W³", "BP2", {"square": True}),
    "a off by one layer": ("∂C/∂W³ = δ³ᵀ a³ in place of δ³ᵀ a²", "BP4", {"square": True}),
    "bias column not dropped": ("δ² keeps the bias unit's column", "BP2", {"whole": True}),
    "mean over outputs": ("C and δ^L divided by n_L", "cost", {"cost": "quadratic"}),
    "mean over outputs in δ": ("δ^L divided by n_L", "BP1", {}),
    "softmax treated elementwise": ("δ^L = ∂C/∂a ⊙ a(1 - a)", "BP1", {"output": "softmax"}),
    "extra σ'": ("δ^L = (a - y) ⊙ σ'(z^L) with cross-entropy", "BP1", {"output": "sigmoid", "cost": "binary-cross-entropy"}),
    "transposed gradient": ("∂C/∂W = a²ᵀδ³, square", "BP4", {"square": True}),
    "bias left out": ("z² = a¹ W²ᵀ", "feed forward", {}),
    "σ left out": ("a² = z²", "feed forward", {}),
    "uphill": ("W + η ∂C/∂W", "update", {}),
    "η left out": ("W - ∂C/∂W", "update", {}),
}  # fmt: skip
# what check_backward calls it, where that is another name
CALLED = {
    "missing σ' at the output": "missing σ'", "σ' of a at the output": "σ' of a instead of z", "sign of one δ": "sign",
    "sum in place of mean": "missing 1/m", "missing 1/m in the weights": "missing 1/m", "missing 1/m in the biases": "missing 1/m",
    "½ forgotten in δ": "½ of the cost forgotten", "σ' off by one layer": "off by one layer", "W off by one layer": "off by one layer",
    "a off by one layer": "off by one layer", "mean over outputs in δ": "mean over outputs", "transposed gradient": "transposed",
    "uphill": "sign",
}  # fmt: skip


def problem(seed, square=False, cost=None, output=None, l2=False, smooth=False, whole=False):
    """A random network of 3 or 4 layers, rows, targets and options a plant can live in."""
    rng = np.random.default_rng(seed)
    L = int(rng.integers(3, 5))
    sizes = [int(rng.integers(2, 6))] * L if square else rng.integers(2, 6, L).tolist()
    hidden = rng.choice(
        ["sigmoid", "tanh", "softplus"] if smooth else ["sigmoid", "tanh", "relu", "leaky-relu", "softplus"]
    )
    if output is None:
        output = str(rng.choice(["sigmoid", "identity", "tanh"] if cost else ["sigmoid", "softmax", "identity"]))
    if cost is None:
        cost = {"sigmoid": "binary-cross-entropy", "softmax": "cross-entropy"}.get(output, "quadratic")
    net = bl.Network(sizes, activation=str(hidden), output=output, initializer="gaussian", seed=seed, dtype="float64")
    m = int(rng.integers(3, 7))
    X = rng.standard_normal((m, sizes[0]))
    if cost == "cross-entropy":
        Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)]
    elif cost == "binary-cross-entropy":
        Y = rng.integers(0, 2, (m, sizes[-1])).astype(float)
    else:
        low, high = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(output, (-2, 2))
        Y = rng.uniform(low, high, (m, sizes[-1]))
    options = {"cost": cost, "l2": 0.7 if l2 or rng.random() < 0.3 else 0.0, "n": 20.0, "learning_rate": 0.3}
    return net, X, Y, options


def student(net, X, Y, options, mistake=None):
    """One pass there and back and one update, by hand, with one mistake or none."""
    L, m = net.L, len(X)
    W = {l: net.layer(l).W.astype(float) for l in range(2, L + 1)}
    b = {l: net.layer(l).b.astype(float) for l in range(2, L + 1)}
    f = {l: LOGISTIC[net.layer(l).activation.name] for l in range(2, L + 1)}
    cost, lam, n, eta = options["cost"], options["l2"], options["n"], options["learning_rate"]
    a, z = {1: X}, {}
    for l in range(2, L + 1):
        z[l] = a[l - 1] @ W[l].T + (0 if mistake == "bias left out" and l == 2 else b[l])
        a[l] = z[l] if mistake == "σ left out" and l == 2 else f[l][0](z[l])
    out, n_L = a[L], a[L].shape[1]
    if cost == "quadratic":
        rows = 0.5 * ((out - Y) ** 2).sum(axis=1)
    elif cost == "cross-entropy":
        rows = -np.log((out * Y).sum(axis=1))
    else:
        rows = -(Y * np.log(out) + (1 - Y) * np.log(1 - out)).sum(axis=1)
    if mistake == "½ of the cost forgotten":
        rows = 2 * rows
    if mistake == "mean over outputs":
        rows = rows / n_L
    C = rows.mean() + lam / (2 * n) * sum((W[l] ** 2).sum() for l in W)

    delta = {}
    d = out - Y
    if cost == "quadratic" and net.layer(L).activation.name == "softmax":
        d = out * (d - (d * out).sum(axis=1, keepdims=True))
        if mistake == "softmax treated elementwise":
            d = (out - Y) * out * (1 - out)
    elif cost == "quadratic" and mistake != "missing σ' at the output":
        d = d * f[L][1](out if mistake == "σ' of a at the output" else z[L])
    elif mistake == "softmax treated elementwise":
        d = -Y / out * out * (1 - out)
    elif mistake == "extra σ'":
        d = d * f[L][1](z[L])
    d = {"sign": -d, "½ forgotten in δ": 2 * d, "mean over outputs": d / n_L, "mean over outputs in δ": d / n_L}.get(
        mistake, d
    )
    delta[L] = d
    gW, gb, newW, newb, whole = {}, {}, {}, {}, {}
    for l in range(L, 1, -1):
        if l < L:
            V = W[l + 1]
            if mistake == "W not transposed":
                V = V.T
            if mistake == "new weights":
                V = newW[l + 1]
            if mistake == "W off by one layer":
                V = W[l]
            at = {"σ' of a instead of z": a[l], "σ' off by one layer": z[l + 1]}.get(mistake, z[l])
            slope = f[l][1](at)
            if mistake == "missing σ'":
                slope = 1
            if mistake == "σ in place of σ'":
                slope = f[l][0](z[l])
            if mistake == "sign of one δ" and l == 2:
                slope = -slope
            delta[l] = (delta[l + 1] @ V) * slope
            whole[l] = np.column_stack([(delta[l + 1] @ b[l + 1]) * f[l][1](np.array(1.0)), delta[l]])
        before = a[l] if mistake == "a off by one layer" and l > 2 else a[l - 1]
        gW[l] = delta[l].T @ before
        if mistake == "transposed gradient":
            gW[l] = gW[l].T
        if mistake not in ("sum in place of mean", "missing 1/m in the weights"):
            gW[l] = gW[l] / m
        gb[l] = delta[l].sum(axis=0)
        if mistake not in ("sum in place of mean", "missing 1/m in the biases"):
            gb[l] = gb[l] / m
        if mistake == "regularised biases":
            gb[l] = gb[l] + lam / n * b[l]
        if mistake != "penalty left out":
            gW[l] = gW[l] + (lam if mistake == "penalty not divided by n" else lam / n) * W[l]
        step = {"uphill": -eta, "η left out": 1.0}.get(mistake, eta)
        newW[l], newb[l] = W[l] - step * gW[l], b[l] - step * gb[l]
    if mistake == "bias column not dropped":
        delta.update(whole)
    return {"z": z, "a": {l: a[l] for l in z}, "cost": C, "delta": delta, "weight_gradient": gW, "bias_gradient": gb,
            "updated_weight": newW, "updated_bias": newb}  # fmt: skip


def handed_in(yours, seed, whole=False):
    """What a student hands in: everything or the gradients and the cost alone, in full or to six decimals."""
    if seed % 4 == 3 and not whole:
        yours = {
            name: yours[name] for name in ("cost", "weight_gradient", "bias_gradient", "updated_weight", "updated_bias")
        }
    if seed % 2:
        yours = {
            k: {l: np.round(x, 6) for l, x in v.items()} if isinstance(v, dict) else round(float(v), 6)
            for k, v in yours.items()
        }
    return yours


def same(one, other):
    if not isinstance(one, dict):
        return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=2e-6)
    return all(same(one[key], other[key]) for key in one)


def plant(mistake, networks):
    """(rightly named, networks, named among several): the mistake in so many random networks where it shows."""
    named = among = tried = 0
    failures = []
    _, equation, needs = PLANTS[mistake]
    for seed in range(100 * networks):
        net, X, Y, options = problem(seed, **needs)
        yours = handed_in(student(net, X, Y, options, mistake), seed, needs.get("whole", False))
        if same(yours, handed_in(student(net, X, Y, options), seed, needs.get("whole", False))):
            continue  # the mistake changes nothing on this network
        tried += 1
        report = bl.check_backward(net, X, Y, yours, **options)
        right = CALLED.get(mistake, mistake) in report.mistakes
        equations = {explanation.equation for explanation in report.explanations}
        right = right and any(found.startswith(equation) for found in equations)
        named += right
        among += right and len(report.mistakes) > 1
        if not right:
            failures.append((seed, str(report)))
        if tried == networks:
            break
    return named, tried, among, failures


def right_answers(count):
    """How many of so many right answers, in many conventions and digits, are called wrong."""
    wrong = []
    for seed in range(count):
        rng = np.random.default_rng(10_000 + seed)
        net, X, Y, options = problem(10_000 + seed)
        yours = student(net, X, Y, options)
        m = len(X)
        if rng.random() < 0.3:
            yours["delta"] = {l: -d for l, d in yours["delta"].items()}
        if rng.random() < 0.3:
            yours["delta"] = {l: d / m for l, d in yours["delta"].items()}
        sums = rng.random() < 0.3  # throughout, the cost too; the learning rate is then that of the sums
        if sums:
            yours["cost"] *= m
            for name in ("weight_gradient", "bias_gradient"):
                yours[name] = {l: g * m for l, g in yours[name].items()}
            options["learning_rate"] /= m
        if rng.random() < 0.3:
            yours["weight_gradient"] = {
                l: np.column_stack([yours["bias_gradient"][l], g]) for l, g in yours["weight_gradient"].items()
            }
            del yours["bias_gradient"]
        for name in list(yours):
            shows_the_sums = sums and name in ("cost", "weight_gradient")  # or nobody could see what η belongs to
            if rng.random() < 0.25 and len(yours) > 1 and not shows_the_sums:
                del yours[name]
        how = rng.integers(0, 4)
        if how == 1:
            yours = {
                k: {l: x.astype(np.float32) for l, x in v.items()} if isinstance(v, dict) else np.float32(v)
                for k, v in yours.items()
            }
        if how == 2:
            digits = int(rng.integers(2, 9))
            yours = {
                k: {l: np.round(x, digits) for l, x in v.items()} if isinstance(v, dict) else round(float(v), digits)
                for k, v in yours.items()
            }
        if how == 3:
            digits = int(rng.integers(3, 9))
            text = np.vectorize(lambda x, digits=digits: f"{x:.{digits}g}")
            yours = {
                k: {l: text(x) for l, x in v.items()} if isinstance(v, dict) else f"{float(v):.{digits}g}"
                for k, v in yours.items()
            }
        report = bl.check_backward(net, X, Y, yours, **options)
        if not report.passed:
            wrong.append((seed, str(report)))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--right", type=int, default=1000)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    lines = [
        "| mistake | planted as | equation | named rightly | of these, among others that give the same numbers |",
        "|---|---|---|---|---|",
    ]
    total = found = 0
    for mistake, (text, equation, _) in PLANTS.items():
        named, tried, among, failures = plant(mistake, options.networks)
        total, found = total + tried, found + named
        lines.append(f"| {mistake} | {text} | {equation} | {named} of {tried} | {among} |")
        print(lines[-1])
        for seed, verdict in failures[:2]:
            print("   ", seed, verdict.replace("\n", "\n        "))
    wrong = right_answers(options.right)
    summary = f"Named rightly: {found} of {total} ({100 * found / total:.1f} %). Right answers called wrong: {len(wrong)} of {options.right:,}."
    print(summary)
    for seed, verdict in wrong[:3]:
        print("   ", seed, verdict.replace("\n", "\n        "))
    if options.write:
        head, _, tail = options.write.read_text().partition(
            "<!-- planted mistakes: benchmarks/planted_mistakes.py -->\n"
        )
        _, _, rest = tail.partition("<!-- end -->\n")
        options.write.write_text(
            f"{head}<!-- planted mistakes: benchmarks/planted_mistakes.py -->\n"
            + "\n".join([*lines, "", summary])
            + f"\n<!-- end -->\n{rest}"
        )


if __name__ == "__main__":
    main()
