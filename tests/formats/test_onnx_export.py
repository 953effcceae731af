"""ONNX out: checked by onnx.checker, run by ONNX Runtime and by hand, with the encoding of images and of tables."""

import dataclasses
import json

import numpy as np
import pytest

import backlit as bl
from backlit import data
from backlit.activations import ACTIVATIONS, Elementwise
from backlit.data.encoding import Encoding, fit
from backlit.errors import OptionError, OutputPathError
from backlit.formats import export, onnx_encoding, onnx_export
from backlit.formats.extras import version_of

onnx = pytest.importorskip("onnx")

needs_runtime = pytest.mark.skipif(version_of("onnxruntime") is None, reason="onnxruntime is not installed")
RNG = np.random.default_rng(8)


def run(content, **inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip((o.name for o in session.get_outputs()), session.run(None, inputs), strict=True))


def network_of(name, dtype="float32", outputs=3):
    hidden = "tanh" if ACTIVATIONS[name].output_only else name
    return bl.Network([4, 6, outputs], activation=hidden, output=name, dtype=dtype, dropout=0.5, seed=1)


KNOWN = [
    (name, dtype) for name in ACTIVATIONS for dtype in ("float32", "float64") if (name, dtype) != ("gelu", "float64")
]
"""ONNX Runtime has no Erf of float64."""


@needs_runtime
@pytest.mark.parametrize(("name", "dtype"), KNOWN)
def test_onnx_runtime_computes_the_same(name, dtype):
    network = network_of(name, dtype)
    X = (3 * RNG.normal(size=(50, 4))).astype(dtype)
    a = run(onnx_export.make(network).content, x=X)["a"]
    assert a.dtype == dtype
    assert a == pytest.approx(network.predict(X), rel=1e-5 if dtype == "float32" else 1e-13, abs=1e-6 if dtype == "float32" else 1e-14)  # fmt: skip # noqa: E501


@needs_runtime
def test_the_exponential_is_held_where_backlits_is():
    network = bl.Network([1, 1], output="exponential")
    network.layer(2).W[...], network.layer(2).b[...] = 1, 0
    X = np.array([[71.0], [80.0], [1e6]], np.float32)
    a = run(onnx_export.make(network).content, x=X)["a"]
    assert a == pytest.approx(network.predict(X), rel=1e-4)  # e^z turns z's rounding, 4e-6, into a share
    assert np.isfinite(a).all()


def test_gelu_in_float64_says_who_cannot_run_it():
    written = onnx_export.make(network_of("gelu", "float64"))
    if version_of("onnxruntime") is not None:
        assert "Erf" in written.lost[0]
        assert "reference evaluator" in written.agreement.against
    assert written.agreement.outputs < 1e-14


def test_the_file_states_its_opset_and_is_checked(tmp_path):
    written = onnx_export.write(network_of("relu"), tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert model.producer_name == "Backlit"
    said = json.loads({entry.key: entry.value for entry in model.metadata_props}["backlit"])
    assert said["opset"] == 17
    assert said["agreement"] == written.agreement.to_dict()
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Relu", "Dropout", "Gemm", "Relu", "Identity"]


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_no_constant_is_left_over(task):
    """ONNX Runtime warns of one whenever the file is loaded."""
    outputs = 3 if task == "classes" else 1
    numbers = np.ones(outputs if task == "numbers" else 0)
    encoding = Encoding(
        tuple("abcd"), np.zeros(4), np.ones(4), task, "y", outputs, ("a", "b", "c") if task == "classes" else (),
        target_offset=numbers, target_scale=numbers,
    )  # fmt: skip
    model = bl.Model(bl.Network([4, 6, outputs], output="softmax" if task == "classes" else "identity"), encoding)
    for thing in (model, network_of("elu", "float64")):
        graph = onnx.load_from_string(onnx_export.make(thing).content).graph
        assert {tensor.name for tensor in graph.initializer} <= {name for node in graph.node for name in node.input}


def test_the_checker_is_asked_for_all_it_checks(monkeypatch):
    asked = []
    monkeypatch.setattr(onnx.checker, "check_model", lambda built, **options: asked.append(options))
    onnx_export.make(network_of("relu"))
    assert {"full_check": True} in asked


def test_a_file_that_is_there_is_kept(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"mine")
    with pytest.raises(OutputPathError, match="exists; force=True"):
        onnx_export.write(network_of("relu"), tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").read_bytes() == b"mine"


def test_rows_that_are_given_are_said_to_be_real():
    found = onnx_export.make(network_of("relu"), rows=np.ones((5, 4))).agreement
    assert (found.rows, found.data) == (5, "real")
    assert onnx_export.make(network_of("relu")).agreement.data == "random"


def test_the_probability_of_dropout_goes_along():
    graph = onnx.load_from_string(onnx_export.make(bl.Network([4, 6, 3], dropout=0.25)).content).graph
    assert onnx.numpy_helper.to_array(next(t for t in graph.initializer if t.name == "p2")) == 0.25


def test_the_same_network_gives_the_same_bytes():
    assert onnx_export.make(network_of("silu")).content == onnx_export.make(network_of("silu")).content


def test_a_wrong_graph_would_be_seen(monkeypatch):
    from backlit.formats import onnx_graph

    monkeypatch.setitem(onnx_graph._SINGLE, "tanh", ("Sigmoid", {}))
    with pytest.raises(OptionError, match="does not compute what ONNX"):
        onnx_export.make(network_of("tanh"))


def test_a_network_larger_than_a_file_may_be_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_export, "MOST_BYTES", 100)
    with pytest.raises(OptionError, match="holds 2 GiB at most"):
        onnx_export.make(network_of("relu"))


def test_an_activation_of_the_users_own_cannot_be_written(tmp_path):
    class Square(Elementwise):
        name = "square"

        def value(self, z):
            return z * z

        def slope(self, z, a):
            return 2 * z

    with pytest.raises(OptionError, match="'square' is not one of Backlit's own; a graph cannot hold its code"):
        export(bl.Network([2, 1], output=Square()), tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_an_existing_file_is_kept(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"mine")
    with pytest.raises(OutputPathError, match="exists; force=True"):
        export(network_of("relu"), tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").read_bytes() == b"mine"


# --- with the encoding

TASKS = [
    ("classes", "softmax", 3, ("ham", "spam", "œuf")),
    ("classes", "softmax", 3, (5, 7, 2**40)),
    ("classes", "sigmoid", 1, (False, True)),
    ("classes", "sigmoid", 3, ("a", "b", "c")),
    ("classes", "relu", 3, (0, 1, 2)),
    ("classes", "identity", 3, (0, 1, 2)),
    ("labels", "identity", 2, ()),
    ("labels", "sigmoid", 3, ()),
    ("labels", "sigmoid", 1, ()),
    ("numbers", "identity", 2, ()),
    ("numbers", "exponential", 1, ()),
]


@needs_runtime
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("task", "output", "outputs", "classes"), TASKS)
def test_raw_columns_go_in_and_answers_come_out(task, output, outputs, classes, dtype):
    numbers = outputs if task == "numbers" else 0
    encoding = Encoding(
        tuple("abcd"), np.array([1e6, 0, -3, 5]), np.array([10.0, 1e-3, 2, 1]), task, "y", outputs, classes,
        target_offset=np.arange(numbers) + 5.0, target_scale=np.full(numbers, 7.0),
        target_log=np.arange(numbers) * 2.0 if numbers == 2 else np.zeros(0),
    )  # fmt: skip
    model = bl.Model(bl.Network([4, 6, outputs], output=output, dtype=dtype, seed=2), encoding)
    raw = encoding.offset + encoding.scale * RNG.normal(size=(40, 4))
    found = run(onnx_export.make(model).content, X=raw)
    within = {"rel": 1e-5, "abs": 1e-6} if dtype == "float32" else {"rel": 1e-12, "abs": 1e-13}
    if task == "numbers":
        assert found["value"].reshape(model.predict(raw).shape) == pytest.approx(model.predict(raw), **within)
    else:
        assert found["probabilities"] == pytest.approx(model.predict_proba(raw), **within)
        assert np.array_equal(found["label"].reshape(model.predict(raw).shape), model.predict(raw))


def labelled(task, outputs):
    classes = tuple("abc")[:outputs] if task == "classes" else ()
    encoding = Encoding(tuple("abcd"), np.zeros(4), np.ones(4), task, "y", outputs, classes)
    return bl.Model(bl.Network([4, outputs], output="sigmoid", dtype="float64", seed=5), encoding)


@pytest.mark.parametrize(("task", "outputs"), [("classes", 3), ("labels", 2)])
def test_another_label_is_another_function(task, outputs):
    model = labelled(task, outputs)
    raw = RNG.normal(size=(30, 4))
    p, labels = model.predict_proba(raw), model.predict(raw)
    assert onnx_encoding.difference(model, raw, [p, labels]) == 0
    wrong = labels.copy()
    wrong[7] = (labels[7] + 1) % 2 if task == "labels" else next(c for c in "abc" if c != labels[7])
    assert onnx_encoding.difference(model, raw, [p, wrong]) == np.inf
    model.network.parameters[:] = 0  # then every answer is as near as another, and rounding may decide
    p, labels = model.predict_proba(raw), model.predict(raw)
    assert onnx_encoding.difference(model, raw, [p, 1 - labels if task == "labels" else np.full(30, "c")]) == 0


@needs_runtime
def test_real_digits_go_in_as_pixels():
    dataset = data.read("digits")
    encoding = fit(dataset, np.arange(len(dataset.X)))
    network = bl.Network([64, 20, 10], output="softmax", seed=0)
    bl.train(network, encoding.features(dataset.X, "float32"), dataset.known_y, epochs=3)
    model = bl.Model(network, encoding)
    written = onnx_export.make(model, rows=dataset.X)
    assert (written.agreement.rows, written.agreement.data) == (1797, "real")
    assert written.agreement.outputs < 1e-6
    kind = np.float32 if encoding.full_scale is not None else np.float64
    labels = run(written.content, X=dataset.X.astype(kind))["label"]
    assert (labels == model.predict(dataset.X)).all()


ROWS = 2000
COLUMNS = {
    "amount": np.exp(2 * RNG.normal(size=ROWS)),  # a heavy tail, and so ramps
    "gaps": np.where(RNG.random(ROWS) < 0.1, None, RNG.normal(size=ROWS)),
    "member": RNG.random(ROWS) < 0.3,
    "always": np.zeros(ROWS),
    "there": np.where(RNG.random(ROWS) < 0.2, None, 3.0),
    "mostly": np.where(RNG.random(ROWS) < 0.9, 0.0, RNG.normal(size=ROWS)),
}


def table(**more):
    import polars as pl

    columns = {name: [None if v is None else v for v in values.tolist()] for name, values in COLUMNS.items()}
    return pl.DataFrame({**columns, **more, "target": RNG.normal(size=ROWS)})


@needs_runtime
@pytest.mark.parametrize("log", [False, True])
def test_a_table_goes_in_raw_with_missing_cells_and_far_numbers(log):
    frame = table()
    encoding = fit(data.read(frame, target="target"), np.arange(ROWS), task="numbers", log=log)
    assert encoding.table.needed == ("amount", "gaps", "member", "there", "mostly")
    model = bl.Model(bl.Network([len(encoding.inputs), 8, 1], activation="tanh", dtype="float64"), encoding)
    written = onnx_export.make(model, rows=frame)
    said = json.loads(onnx.load_from_string(written.content).metadata_props[0].value)
    assert said["columns"] == ["amount", "gaps", "member", "there", "mostly"]
    assert written.agreement.rows == ROWS
    assert written.agreement.outputs < 1e-12

    nan = np.nan
    by_hand = np.array([[nan, nan, nan, nan, nan], [1e300, -1e300, 1, 3, 0], [0, 0, 0, nan, 1e-300]])
    as_frame = {"amount": [None, 1e300, 0.0], "gaps": [None, -1e300, 0.0], "member": [None, True, False],
                "there": [None, 3.0, None], "mostly": [None, 0.0, 1e-300]}  # fmt: skip
    import polars as pl

    ours = model.predict(pl.DataFrame(as_frame))
    assert run(written.content, X=by_hand)["value"][:, 0] == pytest.approx(ours, rel=1e-12)


@needs_runtime
def test_a_number_without_a_limit_stays_as_far_out_as_it_is():
    encoding = fit(data.read(table(), target="target"), np.arange(ROWS), task="numbers")
    columns = tuple(
        dataclasses.replace(c, squash=dataclasses.replace(c.squash, limit=0.0)) if c.name == "amount" else c
        for c in encoding.table.columns
    )
    encoding = dataclasses.replace(encoding, table=dataclasses.replace(encoding.table, columns=columns))
    model = bl.Model(bl.Network([len(encoding.inputs), 1], dtype="float64"), encoding)
    assert onnx_export.make(model, rows=table()).agreement.outputs < 1e-12


def test_random_rows_have_cells_that_are_missing_and_numbers_far_out():
    encoding = fit(data.read(table(), target="target"), np.arange(ROWS), task="numbers")
    frame = onnx_encoding.random_rows(encoding, 400)
    for name in encoding.table.needed:
        assert 15 < frame[name].null_count() < 70  # of 400, a tenth: 5 deviations about 40
    squash = encoding.table.columns[0].squash
    u = (frame["amount"].drop_nulls().to_numpy() - squash.center) / squash.spread
    assert abs(u).max() > 10


def test_so_many_columns_are_named_and_the_rest_counted():
    encoding = fit(
        data.read(table(**{f"kind{i}": RNG.choice(["a", "b"], ROWS).tolist() for i in range(6)}), target="target"),
        np.arange(ROWS), task="numbers",
    )  # fmt: skip
    model = bl.Model(bl.Network([len(encoding.inputs), 1]), encoding)
    with pytest.raises(OptionError, match=r"'kind4' \(category\) and 1 more: train"):
        onnx_export.make(model)


def test_columns_that_a_graph_cannot_take_are_named(tmp_path):
    from datetime import date, timedelta

    frame = table(
        kind=RNG.choice(["a", "b"], ROWS).tolist(),
        day=[date(2020, 1, 1) + timedelta(days=int(n)) for n in RNG.integers(0, 900, ROWS)],
    )
    encoding = fit(data.read(frame, target="target"), np.arange(ROWS), task="numbers")
    model = bl.Model(bl.Network([len(encoding.inputs), 1]), encoding)
    with pytest.raises(
        OptionError, match=r"cannot take the columns 'kind' \(category\), 'day' \(moment\): train without"
    ):
        export(model, tmp_path / "model.onnx")
    done = export(model, tmp_path / "model.onnx", network_only=True)
    assert "its encoding" in done.lost[0]
