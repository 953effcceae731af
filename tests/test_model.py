"""A model takes raw columns and gives answers in the target's own terms: its numbers worked by hand."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import polars
import pytest

from backlit.data import encoding as encodings
from backlit.data.bundled import read_bundled
from backlit.data.encoding import Encoding
from backlit.errors import DataError, OptionError
from backlit.model import Model
from backlit.network import Network

CLASSES = Encoding(
    ("length", "width"), np.array([1.0, 2.0]), np.array([2.0, 4.0]), "classes", "iris", 2,
    classes=("setosa", "virginica"),
)  # fmt: skip


def network_of(W: Any, b: Any, output: str, **options: Any) -> Network:
    """Of one layer with those numbers."""
    network = Network([len(W[0]), len(W)], output=output, **options)
    network.layer(2).W[...] = W
    network.layer(2).b[...] = b
    return network


def plain(outputs: int, task: str, **more: Any) -> Encoding:
    return Encoding(("x",), np.zeros(1), np.ones(1), task, "y", outputs, **more)


# Every number below is exact or the nearest of its dtype; 1e-6 leaves room for some roundings of float32 (6e-8 each).
CLOSE = {"rtol": 1e-6, "atol": 0}


def test_classes_by_hand() -> None:
    """Rows (3, 2) and (1, 6) are encoded as (1, 0) and (0, 1); W = diag(ln 3, ln 4) gives z = (ln 3, 0), (0, ln 4)."""
    model = Model(network_of([[np.log(3), 0], [0, np.log(4)]], [0, 0], "softmax"), CLASSES)
    X = [[3, 2], [1, 6]]
    np.testing.assert_allclose(model.outputs(X), [[3 / 4, 1 / 4], [1 / 5, 4 / 5]], **CLOSE)
    np.testing.assert_allclose(model.predict_proba(X), [[3 / 4, 1 / 4], [1 / 5, 4 / 5]], **CLOSE)
    assert model.predict(X).tolist() == ["setosa", "virginica"]


def test_outputs_that_are_no_probabilities_are_made_some() -> None:
    """Two sigmoids of 3/4 and 1/2 know nothing of each other: (3/4, 1/2) / (5/4); ``outputs`` leaves them alone."""
    model = Model(network_of([[0, 0], [0, 0]], [np.log(3), 0], "sigmoid"), CLASSES)
    np.testing.assert_allclose(model.outputs([[1, 2]]), [[3 / 4, 1 / 2]], **CLOSE)
    np.testing.assert_allclose(model.predict_proba([[1, 2]]), [[3 / 5, 2 / 5]], **CLOSE)


def test_two_classes_on_a_single_output() -> None:
    """It is the probability of the second: σ(ln 3) = 3/4, σ(-ln 4) = 1/5, σ(0) = 1/2, which is the second's side."""
    model = Model(network_of([[1]], [0], "sigmoid"), plain(1, "classes", classes=(False, True)))
    X = [[np.log(3)], [-np.log(4)], [0]]
    assert model.predict(X).tolist() == [True, False, True]
    np.testing.assert_allclose(model.predict_proba(X), [[1 / 4, 3 / 4], [4 / 5, 1 / 5], [1 / 2, 1 / 2]], **CLOSE)


def test_labels() -> None:
    model = Model(network_of([[1], [-1], [0]], [0, 0, np.log(3)], "sigmoid"), plain(3, "labels"))
    X = [[np.log(3)], [-np.log(4)]]
    np.testing.assert_allclose(model.predict_proba(X), [[3 / 4, 1 / 4, 3 / 4], [1 / 5, 4 / 5, 3 / 4]], **CLOSE)
    assert model.predict(X).tolist() == [[1, 0, 1], [0, 1, 1]]


def test_numbers_come_in_their_own_units_and_have_no_probabilities() -> None:
    """a = 2x + 1 and -x, in units of 10 from 100 and of 0.5 from 0."""
    encoding = plain(2, "numbers", target_offset=np.array([100.0, 0.0]), target_scale=np.array([10.0, 0.5]))
    model = Model(network_of([[2], [-1]], [1, 0], "identity"), encoding)
    assert model.outputs([[3], [0]]).tolist() == [[7, -3], [1, 0]]
    assert model.predict([[3], [0]]).tolist() == [[170, -1.5], [110, 0]]
    with pytest.raises(OptionError, match="a model of numbers has no class probabilities; predict gives its numbers"):
        model.predict_proba([[3]])


def test_one_number_a_row() -> None:
    encoding = plain(1, "numbers", target_offset=np.array([100.0]), target_scale=np.array([10.0]))
    assert Model(network_of([[2]], [1], "identity"), encoding).predict([[3], [0]]).tolist() == [170, 110]


@pytest.fixture(scope="module")
def digits() -> tuple[Model, Any]:
    dataset = read_bundled("digits")
    encoding = encodings.fit(dataset, np.arange(1000))
    return Model(Network([64, 20, 10], output="softmax", seed=1), encoding), dataset.X


def test_digits(digits: tuple[Model, Any]) -> None:
    """Raw pixels in, digits out: what the network says of the encoded rows, in the encoding's terms."""
    model, X = digits
    outputs, probabilities, answers = model.outputs(X), model.predict_proba(X), model.predict(X)
    assert np.array_equal(outputs, model.network.predict((X / 16).astype(np.float32)))  # pixels are 0 to 16
    assert probabilities.shape == (len(X), 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)  # some roundings of float64, 1e-16 each
    np.testing.assert_allclose(probabilities, outputs, rtol=1e-5)  # a softmax of float32 sums to 1 within a few 1e-7
    assert np.array_equal(answers, probabilities.argmax(axis=1))
    assert len(set(answers.tolist())) > 1  # even untrained it does not say the same of all, which would show nothing
    images = X.reshape(-1, 8, 8)
    assert np.array_equal(model.predict(images), answers)
    for rows in (1, 2, 7):  # a row's answer does not depend on the rows beside it
        assert np.array_equal(model.predict(X[:rows]), answers[:rows])


def test_its_methods_do_not_change_it(digits: tuple[Model, Any]) -> None:
    model, X = digits
    X = X[:20].copy()
    before, parameters = X.copy(), model.network.parameters.copy()
    first = model.outputs(X)
    model.predict(X)
    model.predict_proba(X)
    assert np.array_equal(X, before)
    assert np.array_equal(model.network.parameters, parameters)
    assert first.tobytes() == model.outputs(X).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_from_the_columns_to_the_outputs_in_the_networks_dtype(dtype: str) -> None:
    """(0.1 - 0) / 3 is worked in float64 and then rounded: once, not three times."""
    encoding = Encoding(("x",), np.zeros(1), np.array([3.0]), "labels", "y", 1)
    model = Model(network_of([[1]], [0], "identity", dtype=dtype), encoding)
    outputs = model.outputs([[0.1]])
    assert outputs.dtype == dtype
    assert outputs[0, 0] == np.dtype(dtype).type(0.1 / 3)


def test_dropout_plays_no_part() -> None:
    network = Network([2, 50, 2], output="softmax", dropout=0.5, seed=1)
    without = Network([2, 50, 2], output="softmax", seed=1)
    X = np.random.default_rng(0).standard_normal((10, 2))
    assert np.array_equal(Model(network, CLASSES).outputs(X), Model(without, CLASSES).outputs(X))


@pytest.mark.parametrize("method", ["outputs", "predict", "predict_proba"])
@pytest.mark.parametrize(
    ("X", "reason"),
    [
        ([[1.0, 2.0, 3.0]], "X has 3 columns where 2 are expected: 'length', 'width'"),
        ([1.0, 2.0], "X must be rows × 2 columns; its shape is (2,)"),
        ([[1.0, 2.0], [1.0, np.nan]], "X has NaN at row 1, column 1 ('width')"),
        ([["long", "wide"]], "X holds 'long' where a number should be"),
        ([[1e300, 0.0]], "X, encoded as float32, has infinity at row 0, column 0 ('length')"),
        (np.zeros((0, 2)), "X has no rows"),
    ],
)
def test_columns_it_was_not_made_for_are_refused(X: Any, reason: str, method: str) -> None:
    model = Model(Network([2, 2], output="softmax"), CLASSES)
    with pytest.raises(DataError) as caught:
        getattr(model, method)(X)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize("method", ["outputs", "predict", "predict_proba"])
def test_a_frame_is_taken_by_the_names_of_its_columns(method: str) -> None:
    """In whatever order they stand, whatever stands beside them; an array, and a frame made of it, by position."""
    ask = getattr(Model(network_of([[np.log(3), 0], [0, np.log(4)]], [0, 0], "softmax"), CLASSES), method)
    X = np.array([[3.0, 2.0], [1.0, 6.0]])
    right, wrong = ask(X).tolist(), ask(X[:, ::-1]).tolist()
    assert right != wrong
    columns = {"width": X[:, 1], "species": ["?", "?"], "length": X[:, 0]}
    assert ask(polars.DataFrame(columns)).tolist() == right
    assert ask(polars.DataFrame({name: columns[name] for name in ("length", "width")})).tolist() == right
    assert ask(polars.DataFrame(X)).tolist() == right  # whose columns are column_0 and column_1
    with pytest.raises(DataError, match=r"^X has no column 'length'; columns are taken by their names, and it has"):
        ask(polars.DataFrame({"Length": X[:, 0], "width": X[:, 1]}))


@pytest.mark.parametrize("sizes", [(3, 2), (2, 3), (2, 1), (1, 5, 2), (2, 5, 1)])
def test_an_encoding_that_does_not_fit_the_network_is_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(OptionError) as caught:
        Model(Network(sizes), CLASSES)
    assert str(caught.value) == (
        f"the encoding has 2 inputs and 2 outputs, the network {sizes[0]} inputs and {sizes[-1]} outputs"
    )


def test_a_model_is_data() -> None:
    network = Network([2, 5, 2])
    model = Model(network, CLASSES)
    assert model.network is network
    assert model.provenance == {}
    assert model.provenance is not Model(network, CLASSES).provenance
    with pytest.raises(FrozenInstanceError):
        model.network = Network([2, 2])  # type: ignore[misc]
    assert repr(model) == f"Model(network={network!r}, encoding={CLASSES!r})"
    assert len(repr(Model(network, CLASSES, {"history": list(range(1000))}))) < 200
