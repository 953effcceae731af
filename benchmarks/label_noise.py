"""Labels that were made wrong on purpose, and how many of the first rows of a ranking are among them.

    python benchmarks/label_noise.py [FOLDER_OF_IDX_FILES] [--seeds 0,1,2] [--write docs/rows.md] [--only digits]

5 % of the labels of digits and of the first 10,000 images of MNIST are flipped: to another class drawn uniformly, or
4 to 9, 9 to 4, 3 to 8 and 8 to 3. Precision: of the first n rows of a ranking, n the number of labels flipped, the
share that was. The method was chosen on other seeds (100 to 103) and on images 20,000 to 29,999 of MNIST.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np

import backlit as bl
from backlit import data

RESULTS = Path(__file__).parent / "results" / "label_noise.json"
PAIRS = {4: 9, 9: 4, 3: 8, 8: 3}
ITERATIONS = {"digits": 50, "mnist": 10}  # of the baseline's network: the best of 20, 50, 200 and of 5, 10, 20
ROWS = 10_000
BEGIN, END = "<!-- {}: benchmarks/label_noise.py -->", "<!-- end -->"

NAMES = {
    "scikit-learn": "scikit-learn's MLP, out-of-fold probability of the label",
    "cleanlab, self-confidence": "cleanlab, self-confidence, on the same probabilities",
    "cleanlab, normalized margin": "cleanlab, normalized margin, on the same",
    "cleanlab, weighted entropy": "cleanlab, confidence-weighted entropy, on the same",
    "gradient norm": "‖∇C_i‖ in the first epochs of training with the row",
    "cost": "cost of the row over all epochs of training with it",
    "agreement": "networks that never saw the row and say its label",
    "out of fold": "out-of-fold probability of the label, Backlit, second round",
    "rows": "**`bl.rows`**",
}


def read(name, folder):
    if name == "digits":
        return bl.data.load("digits")
    images = data.read(folder)
    return (images.X[:ROWS] / 255).astype(np.float32), images.known_y[:ROWS]


def flipped(y, noise, seed, share=0.05):
    """The labels with so many flipped, and which."""
    rng = np.random.default_rng(seed)
    candidates = np.flatnonzero(np.isin(y, list(PAIRS))) if noise == "pairs" else np.arange(len(y))
    count = 0 if noise == "none" else round(share * len(y))
    rows = rng.choice(candidates, count, replace=False)
    labels, wrong = y.copy(), np.zeros(len(y), dtype=bool)
    if noise == "pairs":
        labels[rows] = [PAIRS[k] for k in y[rows]]
    else:
        labels[rows] = (y[rows] + rng.integers(1, 10, count)) % 10
    wrong[rows] = True
    return labels, wrong


def precision(suspicion, wrong):
    first = np.argsort(-suspicion, kind="stable")[: wrong.sum()]
    return float(wrong[first].mean())


def baseline(name, X, labels, seed):
    """Plain 5-fold out-of-fold probabilities of scikit-learn's network, and cleanlab's rankings of them."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: these are the iterations that serve it best
        network = MLPClassifier(max_iter=ITERATIONS[name], random_state=seed)
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        P = cross_val_predict(network, X, labels, cv=folds, method="predict_proba").astype(np.float64)
    P /= P.sum(axis=1, keepdims=True)
    found = {"scikit-learn": -P[np.arange(len(labels)), labels]}
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        short = method.replace("confidence_weighted", "weighted").replace(
            "_", "-" if method.startswith("self") else " "
        )
        found[f"cleanlab, {short}"] = -get_label_quality_scores(labels, P, method=method)
    return found


def measure(name, noise, seed, folder):
    X, y = read(name, folder)
    labels, wrong = flipped(y, noise, seed)
    began = time.perf_counter()
    report = bl.rows(X, labels, seed=seed, progress=False)
    seconds = time.perf_counter() - began
    one = {"set": name, "noise": noise, "seed": seed, "rows": len(y), "flipped": int(wrong.sum()), "seconds": seconds}
    one["suspicious"] = len(report.suspicious)
    if noise == "none":
        return one
    one["suspicious_wrong"] = float(wrong[report.suspicious].mean()) if len(report.suspicious) else None
    began = time.perf_counter()
    rankings = baseline(name, X, labels, seed)
    one["seconds_scikit_learn"] = time.perf_counter() - began
    rankings |= {
        "gradient norm": report.gradient_norm,
        "cost": report.cost,
        "agreement": -report.agreement,
        "out of fold": -report.out_of_fold,
    }
    one["precision"] = {which: precision(values, wrong) for which, values in rankings.items()}
    first = report.ranking[: wrong.sum()]
    one["precision"]["rows"] = float(wrong[first].mean())
    return one


def redundancy(name, seed, folder):
    """Accuracy on other images after training without the redundant rows, and without as many drawn at random."""
    X, y = read(name, folder)
    if name == "digits":
        order = np.random.default_rng(seed).permutation(len(y))
        held_out, kept = order[:500], np.sort(order[500:])
        X_test, y_test, X, y = X[held_out], y[held_out], X[kept], y[kept]
    else:
        test = data.read(f"{folder}:test")
        X_test, y_test = (test.X / 255).astype(np.float32), test.known_y
    report = bl.rows(X, y, seed=seed, progress=False)
    everyone = np.arange(len(y))
    needed = everyone[~report.redundant]
    some = np.sort(np.random.default_rng(seed).permutation(len(y))[: len(needed)])
    found = {"set": name, "seed": seed, "redundant": float(report.redundant.mean())}
    for which, rows in (("all", everyone), ("without_redundant", needed), ("without_random", some)):
        net = bl.Network([X.shape[1], 100, 10], output="softmax", seed=seed)
        epochs = round(20 * len(y) / len(rows))  # as many steps
        bl.train(net, X[rows], y[rows], epochs=epochs, seed=seed, progress=False)
        found[which] = float((net.predict(X_test).argmax(axis=1) == y_test).mean())
    return found


def tables(found):
    """The results as Markdown."""
    runs, lines = found["runs"], []
    sets = [name for name in ("digits", "mnist") if any(run["set"] == name for run in runs)]
    every = sets
    for noise, title in (("uniform", "another class, drawn uniformly"), ("pairs", "4 ↔ 9 and 3 ↔ 8")):
        of = {name: [run for run in runs if (run["set"], run["noise"]) == (name, noise)] for name in every}
        sets = [name for name in every if of[name]]
        if not sets:
            continue
        head = " | ".join(f"{name} ({of[name][0]['rows']:,} rows, {of[name][0]['flipped']} flipped)" for name in sets)
        lines += [
            f"**5 % of the labels flipped to {title}**",
            "",
            f"| ranking by | {head} |",
            "|---|" + "---|" * len(sets),
        ]
        for which, words in NAMES.items():
            cells = []
            for name in sets:
                each = [run["precision"][which] for run in of[name]]
                cells.append(f"{np.mean(each):.3f} ({', '.join(f'{one:.3f}' for one in each)})")
            lines.append(f"| {words} | {' | '.join(cells)} |")
        told = [
            f"{name} {mean(of[name], 'suspicious'):.0f}, "
            f"of which {mean(of[name], 'suspicious_wrong'):.1%} were made wrong"
            for name in sets
        ]
        spent = [
            f"{name} {mean(of[name], 'seconds'):.0f} s "
            f"(scikit-learn's folds alone {mean(of[name], 'seconds_scikit_learn'):.0f} s)"
            for name in sets
        ]
        lines += ["", f"Called suspicious: {'; '.join(told)}. Time: {'; '.join(spent)}.", ""]
    sets = every
    clean = [run for run in runs if run["noise"] == "none"]
    if clean:
        told = [
            f"{name} {', '.join(str(r['suspicious']) for r in clean if r['set'] == name)}"
            for name in sets
            if any(r["set"] == name for r in clean)
        ]
        lines += [f"Without any label flipped, called suspicious: {'; '.join(told)}.", ""]
    if found.get("redundancy"):
        lines += [
            "**Redundant rows left out**",
            "",
            "| set | redundant | accuracy with all rows | without them | without as many drawn at random |",
            "|---|---|---|---|---|",
        ]
        for name in sets:
            of_set = [one for one in found["redundancy"] if one["set"] == name]
            if of_set:
                columns = ("redundant", "all", "without_redundant", "without_random")
                cells = [f"{mean(of_set, column):.2%}" for column in columns]
                lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines).strip()


def mean(runs, what):
    return float(np.mean([run[what] for run in runs]))


def write(page, text, what="label noise"):
    begin = BEGIN.format(what)
    before, _, rest = page.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{begin}\n{text}\n{END}{after}", "utf-8")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", nargs="?")
    arguments.add_argument("--seeds", default="0,1,2")
    arguments.add_argument("--only", default="uniform,pairs,none,redundancy")
    arguments.add_argument("--sets", default="digits,mnist")
    arguments.add_argument("--write", type=Path)
    given = arguments.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    sets = [name for name in given.sets.split(",") if name == "digits" or given.folder]
    found = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"runs": [], "redundancy": []}
    for what in given.only.split(","):
        for name in sets:
            for seed in seeds:
                if what == "redundancy":
                    one = redundancy(name, seed, given.folder)
                    rest = [r for r in found["redundancy"] if (r["set"], r["seed"]) != (name, seed)]
                    found["redundancy"] = sorted([*rest, one], key=lambda r: (r["set"], r["seed"]))
                else:
                    one = measure(name, what, seed, given.folder)
                    rest = [r for r in found["runs"] if (r["set"], r["noise"], r["seed"]) != (name, what, seed)]
                    found["runs"] = sorted([*rest, one], key=lambda r: (r["noise"], r["set"], r["seed"]))
                print(json.dumps(one), flush=True)
                RESULTS.write_text(json.dumps(found, indent=1), "utf-8")
    print(tables(found))
    if given.write:
        write(given.write, tables(found))


if __name__ == "__main__":
    main()
