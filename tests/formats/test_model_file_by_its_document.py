"""A second reader of the model file, by docs/model-file.md and Python's standard library alone: it gives the same.

What it needs is what the document says; if Backlit comes to write something else, one of the two is wrong.
"""

import json
import math
import re
import struct
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest

import backlit as bl
from backlit import data
from backlit.activations import ACTIVATIONS
from backlit.data.encoding import Encoding

# --- the bytes


def read(path):
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    assert (8 + length) % 8 == 0
    header = json.loads(content[8 : 8 + length].decode())
    said = header.pop("__metadata__")
    assert (said["format"], said["kind"], said["version"]) == ("backlit", "model", "1")
    digits = content[35:67]
    assert blake2b(content[:35] + b"0" * 32 + content[67:], digest_size=16).hexdigest() == digits.decode()
    assert said["digest"] == digits.decode()
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + place for place in entry["data_offsets"])
        width, letter = {"F32": (4, "f"), "F64": (8, "d")}[entry["dtype"]]
        numbers = struct.unpack(f"<{(end - begin) // width}{letter}", content[begin:end])
        columns = entry["shape"][-1]
        rows = [list(numbers[i : i + columns]) for i in range(0, len(numbers), columns)]
        tensors[name] = rows if len(entry["shape"]) == 2 else list(numbers)
    return json.loads(said["document"]), tensors


# --- the network


def softmax(z):
    e = [math.exp(x - max(z)) for x in z]
    return [x / sum(e) for x in e]


def each(function):
    return lambda z: [function(x) for x in z]


def sigma(name, dtype):
    largest = {"float32": 72, "float64": 693}[dtype]
    return {
        "identity": each(lambda x: x), "sigmoid": each(lambda x: 1 / (1 + math.exp(-x))), "tanh": each(math.tanh),
        "relu": each(lambda x: max(x, 0)), "leaky-relu": each(lambda x: max(x, 0.01 * x)),
        "elu": each(lambda x: x if x > 0 else math.expm1(x)),
        "gelu": each(lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2)))),
        "silu": each(lambda x: x / (1 + math.exp(-x))), "softplus": each(lambda x: math.log1p(math.exp(x))),
        "exponential": each(lambda x: math.exp(min(x, largest))), "softmax": softmax,
    }[name]  # fmt: skip


def outputs(document, tensors, x):
    network = document["network"]
    for layer, name in enumerate(network["activations"], start=2):
        W, b = tensors[f"layer{layer}.W"], tensors[f"layer{layer}.b"]
        z = [math.fsum(w * a for w, a in zip(row, x, strict=True)) + bias for row, bias in zip(W, b, strict=True)]
        x = sigma(name, network["dtype"])(z)
    return x


# --- the encoding

MISSING = (
    "", "?", "-", "--", ".", "na", "n/a", "n.a.", "#na", "#n/a", "#n/a n/a", "<na>", "nan", "-nan", "nat", "null",
    "none", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
)  # fmt: skip


def squashed(squash, x):
    u = min(max((x - squash["center"]) / squash["spread"], -1e100), 1e100)
    s = u / math.sqrt(1 + (u / squash["limit"]) ** 2) if squash["limit"] else u
    return (s - squash["offset"]) / squash["scale"]


def number(column, cell):
    if cell is not None:
        spelling = column["spelling"]
        found = re.fullmatch(r"\(([^()]*[0-9][^()]*)\)", cell.replace("−", "-"))
        cell = f"-{found[1]}" if found else cell.replace("−", "-")
        cell = re.sub(rf"(?i)^([+-]?)\s*{re.escape(spelling['before'])}\s*", r"\1", cell)
        cell = re.sub(rf"(?i)\s*{re.escape(spelling['behind'])}$", "", cell)
        if spelling["comma"] == "european":
            cell = cell.replace(".", "")
        mark = {"decimal": ".", "european": ".", "thousands": ""}.get(spelling["comma"], ",")
        cell = float(re.sub("[ '’_]", "", cell).replace(",", mark))
    x = column["squash"]["center"] if cell is None else cell
    ramps = [min(max((x - e) / (f - e), 0), 1) for e, f in pairwise(column["edges"])]
    return [squashed(column["squash"], x), *ramps]


def truth(column, cell):
    return [0 if cell is None else 1 if cell.lower() in ("true", "t", "yes", "y") else -1]


def category(column, cell):
    own = [float(cell == value) for value in column["values"]]
    beyond = cell is not None and cell not in column["values"]
    buckets = [0.0] * column["buckets"]
    if beyond and buckets:
        buckets[int.from_bytes(blake2b(cell.encode(), digest_size=8).digest(), "little") % len(buckets)] = 1
    return own + [float(beyond)] * column["other"] + buckets


def moment(column, cell):
    days = None
    if cell is not None:
        form = column["spelling"]["moment"]
        assert form in ("%Y-%m-%d", "%d.%m.%Y %H:%M")
        days = datetime.strptime(cell, form).replace(tzinfo=UTC).timestamp() / 86400
    linear = column["linear"]
    found = [] if linear is None else [squashed(linear, linear["center"] if days is None else days)]
    for circle in column["circles"]:
        angle = None if days is None else 2 * math.pi * days / {"year": 365.2425, "week": 7, "day": 1}[circle]
        found += [0, 0] if angle is None else [math.sin(angle), math.cos(angle)]
    return found


def words(column, cell):
    there = re.findall(r"(?<!\w)([a-z]+)[0-9]*(?!\w)", (cell or "").lower().replace("_", " "))
    return [float(word in there) for word in column["words"]]


KINDS = {"number": number, "truth": truth, "category": category, "moment": moment, "words": words}


def inputs(encoding, row):
    """Of a row of text, cell by cell under its column's name."""
    found = []
    for column in encoding["table"]["columns"]:
        if column["kind"] == "left out":
            continue
        cell = row[column["name"]].strip()
        cell = None if cell.lower() in (*MISSING, *column["spelling"]["missing"]) else cell
        found += KINDS[column["kind"]](column, cell) if column["kind"] in KINDS else []
        if column["kind"] == "presence" or column["missing"]:
            found.append(float(cell is None))
    return found


def answer(encoding, a):
    if encoding["task"] == "numbers":
        found = []
        logs = encoding["target_log"] or [0] * len(a)
        for x, scale, offset, unit in zip(a, encoding["target_scale"], encoding["target_offset"], logs, strict=True):
            t = x * scale + offset
            found.append(math.copysign(unit * math.expm1(min(abs(t), 300)), t) if unit else t)
        return found, None
    if encoding["task"] == "labels":
        return [int(x >= 0.5) for x in a], [min(max(x, 0), 1) for x in a]
    classes = encoding["classes"]
    if len(a) == 1:
        p = min(max(a[0], 0), 1)
        return classes[int(a[0] >= 0.5)], [1 - p, p]
    shares = [max(x, 0) for x in a]
    total = sum(shares)
    return classes[a.index(max(a))], [x / total if total else 1 / len(a) for x in shares]


# --- that it gives the same

RNG = np.random.default_rng(12)
WITHIN = {"float32": {"rel": 1e-4, "abs": 1e-5}, "float64": {"rel": 1e-11, "abs": 1e-12}}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_network(name, dtype, tmp_path):
    hidden = "tanh" if ACTIVATIONS[name].output_only else name
    network = bl.Network([3, 5, 1, 4], activation=hidden, output=name, dtype=dtype, dropout=0.5)
    network.parameters[:] = RNG.normal(size=network.parameters.shape)
    bl.save(network, tmp_path / "net.safetensors")
    document, tensors = read(tmp_path / "net.safetensors")
    assert document["encoding"] is None
    assert document["network"]["dropout"] == [0.5, 0.5]
    for x in RNG.normal(size=(6, 3)).astype(dtype):
        assert outputs(document, tensors, x.tolist()) == pytest.approx(network.predict(x[None])[0], **WITHIN[dtype])


ROWS = 400


def cells(drawn, missing=0.1, mark=""):
    return [mark if gone else str(value) for value, gone in zip(drawn, RNG.random(ROWS) < missing, strict=True)]


def table():
    """Text alone, as a CSV has it: every kind of column, and cells that are missing in many ways."""
    day = [datetime(2020, 1, 1 + i % 28, i % 24, i % 60) for i in range(ROWS)]
    town = [f"town {i % 90 if i < 360 else i}" for i in range(ROWS)]
    return {
        "price": cells([f"{x:.3f}".replace(".", ",") for x in np.exp(2 * RNG.normal(size=ROWS))], mark=" ? "),
        "area": cells([f"{int(x):,}" for x in RNG.integers(1, 10**7, ROWS)], mark="N/A"),
        "open": cells(RNG.choice(["Yes", "no"], ROWS), mark=""),
        "kind": cells(RNG.choice([" a", "b ", "c", "d"], ROWS, p=[0.6, 0.3, 0.09, 0.01]), mark="NULL"),
        "town": cells(town, missing=0),
        "rare": cells([f"n{min(i % 400, 6)}" if i % 40 else f"r{i}" for i in range(ROWS)]),
        "from": cells([d.strftime("%d.%m.%Y %H:%M") for d in day]),
        "on": cells([d.strftime("%Y-%m-%d") for d in day], missing=0),
        "note": cells(np.full(ROWS, "seen"), missing=0.4),
        "same": ["1"] * ROWS,
        "paid": cells([f"{'−' if x < 0 else ''}${abs(x):,.2f}" for x in 2000 * RNG.normal(size=ROWS)], mark="#DIV/0!"),
        "share": cells([f"{x:.1f} %" for x in RNG.normal(size=ROWS)], mark="n.a."),
        "cost": cells([f"{x:,.1f} €".translate(str.maketrans(",.", ".,")) for x in RNG.uniform(0, 1e5, ROWS)]),
        "loss": cells([f"({x:,.0f})" if x > 500 else f"{x:.0f}" for x in RNG.uniform(0, 9999, ROWS)], mark="lost"),
        "name": cells([f"Anna{chr(97 + i % 26)}{i}, {('Mr', 'Mrs_X', 'DR')[i % 3]}. C{i}" for i in range(ROWS)]),
    }


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_a_model_of_a_table(task, tmp_path):
    columns = table()
    y = RNG.choice(["ham", "spam", "eggs"], ROWS) if task == "classes" else [f"{x:.2f}" for x in RNG.normal(size=ROWS)]
    lines = zip(*columns.values(), y, strict=True)
    text = "\n".join([";".join([*columns, "target"]), *(";".join(line) for line in lines)])
    (tmp_path / "rows.csv").write_text(text)
    dataset = data.read(tmp_path / "rows.csv", target="target")
    encoding = data.fit(dataset, np.arange(ROWS), task=task, log=task == "numbers")
    network = bl.Network([len(encoding.inputs), 6, encoding.outputs], activation="tanh", dtype="float64")
    model = bl.Model(network, encoding)
    bl.save(model, tmp_path / "net.safetensors")
    document, tensors = read(tmp_path / "net.safetensors")
    kinds = {column["kind"] for column in document["encoding"]["table"]["columns"]}
    assert kinds == {"number", "truth", "category", "moment", "presence", "left out", "words"}
    categories = [column for column in document["encoding"]["table"]["columns"] if column["kind"] == "category"]
    assert {(column["other"], column["buckets"]) for column in categories} >= {(True, 0), (False, 16)}

    X, predicted = encoding.features(dataset.X), model.predict(dataset.X)
    p = None if task == "numbers" else model.predict_proba(dataset.X)
    for i in range(ROWS):
        x = inputs(document["encoding"], {name: values[i] for name, values in columns.items()})
        assert x == pytest.approx(X[i], rel=1e-10, abs=1e-9)  # sin of some 18,000 days in circles: 2π·18,000·2^-53
        found, shares = answer(document["encoding"], outputs(document, tensors, x))
        if p is None:
            assert found[0] == pytest.approx(predicted[i], rel=1e-7)
        else:
            assert found == predicted[i]
            assert shares == pytest.approx(p[i], abs=1e-8)


@pytest.mark.parametrize(
    ("task", "output", "n", "classes"),
    [("classes", "sigmoid", 1, (7, 9)), ("classes", "identity", 3, ("a", "b", "c")), ("labels", "identity", 3, ()),
     ("numbers", "identity", 2, ())],
)  # fmt: skip
def test_a_model_of_plain_columns(task, output, n, classes, tmp_path):
    numbers = n if task == "numbers" else 0
    encoding = Encoding(
        ("u", "v"), np.array([5.0, -1]), np.array([2.0, 3]), task, "y", n, classes,
        target_offset=np.arange(numbers) + 1.0, target_scale=np.full(numbers, 3.0),
        target_log=np.array([0.0, 2.0])[:numbers],
    )  # fmt: skip
    model = bl.Model(bl.Network([2, 4, n], output=output, dtype="float64", seed=3), encoding)
    bl.save(model, tmp_path / "net.safetensors")
    document, tensors = read(tmp_path / "net.safetensors")
    said, raw = document["encoding"], encoding.offset + encoding.scale * RNG.normal(size=(30, 2))
    for row, predicted in zip(raw, model.predict(raw), strict=True):
        x = [(value - offset) / scale for value, offset, scale in zip(row, said["offset"], said["scale"], strict=True)]
        found, shares = answer(said, outputs(document, tensors, x))
        if task == "numbers":
            assert found == pytest.approx(predicted, rel=1e-12)
        else:
            assert np.array_equal(found, predicted)
            assert shares == pytest.approx(model.predict_proba(row[None])[0], rel=1e-11, abs=1e-12)
