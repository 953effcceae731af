"""scikit-learn's MLPs: its own predict and predict_proba say what a model must say, and the other way round."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backlit as bl
from backlit.data.encoding import Encoding
from backlit.errors import OptionError
from backlit.formats import from_sklearn, scikit_learn, to_sklearn

RNG = np.random.default_rng(6)
X = RNG.normal(size=(60, 4))
TARGETS = {
    "three classes": RNG.integers(0, 3, 60),
    "two classes": RNG.integers(0, 2, 60),
    "text": np.array(["ham", "spam", "eggs"])[RNG.integers(0, 3, 60)],
    "two texts": np.array(["no", "yes"])[RNG.integers(0, 2, 60)],
    "truths": RNG.integers(0, 2, 60).astype(bool),
    "whole floats": RNG.integers(0, 3, 60).astype(float),
    "labels": RNG.integers(0, 2, (60, 3)),
}


def fitted(kind, y, X=X, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(hidden_layer_sizes=(6, 5), max_iter=5, random_state=0, **options).fit(X, y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_a_classifier_predicts_the_same(y, activation):
    mlp = fitted(MLPClassifier, y, activation=activation)
    model = from_sklearn(mlp)
    assert model.predict_proba(X) == pytest.approx(mlp.predict_proba(X), rel=1e-12)
    assert np.array_equal(model.predict(X), mlp.predict(X))
    back = to_sklearn(model)
    assert isinstance(back, MLPClassifier)
    assert back.predict_proba(X) == pytest.approx(mlp.predict_proba(X), rel=1e-12)
    assert np.array_equal(back.predict(X), mlp.predict(X))


@pytest.mark.parametrize("y", [RNG.normal(size=60), RNG.normal(size=(60, 2))], ids=["one", "two"])
def test_a_regressor_predicts_the_same(y):
    mlp = fitted(MLPRegressor, y)
    model = from_sklearn(mlp)
    assert model.predict(X) == pytest.approx(mlp.predict(X), rel=1e-12)
    assert to_sklearn(model).predict(X) == pytest.approx(mlp.predict(X), rel=1e-12)


def test_poisson_regression_is_exponential():
    mlp = fitted(MLPRegressor, RNG.poisson(3, 60), loss="poisson")
    assert from_sklearn(mlp).network.activations[-1].name == "exponential"
    back = to_sklearn(from_sklearn(mlp))
    assert back.loss == "poisson"
    assert back.predict(X) == pytest.approx(mlp.predict(X), rel=1e-12)


def test_the_dtype_is_kept():
    mlp = fitted(MLPClassifier, TARGETS["three classes"], X.astype(np.float32))
    assert from_sklearn(mlp).network.dtype == np.float32
    assert to_sklearn(from_sklearn(mlp)).coefs_[0].dtype == np.float32


def test_names_of_features_go_along():
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["a", "b", "c", "d"])
    mlp = fitted(MLPClassifier, TARGETS["text"], frame)
    model = from_sklearn(mlp)
    assert model.encoding.columns == ("a", "b", "c", "d")
    assert np.array_equal(model.predict(frame[["d", "a", "c", "b"]]), mlp.predict(frame))


def test_what_it_was_trained_with_and_what_is_lost_is_kept():
    found = scikit_learn.read(fitted(MLPClassifier, TARGETS["text"], alpha=0.5))
    assert found.provenance["imported"]["options"]["alpha"] == 0.5
    assert found.provenance["imported"]["epochs"] == 5
    assert any("state of its adam" in what for what in found.lost)


@pytest.mark.parametrize(
    ("sizes", "output", "kind"),
    [([4, 5, 3], "softmax", MLPClassifier), ([4, 5, 2], "softmax", MLPClassifier), ([4, 2], "softmax", MLPClassifier),
     ([4, 5, 1], "sigmoid", MLPClassifier), ([4, 5, 3], "sigmoid", MLPClassifier),
     ([4, 5, 2], "identity", MLPRegressor), ([4, 5, 1], "exponential", MLPRegressor)],
)  # fmt: skip
def test_a_network_becomes_a_fitted_estimator(sizes, output, kind):
    network = bl.Network(sizes, activation="tanh", output=output, dtype="float64", seed=1)
    mlp = to_sklearn(network)
    assert type(mlp) is kind
    a = network.predict(X)
    if kind is MLPRegressor:
        assert mlp.predict(X).reshape(a.shape) == pytest.approx(a, rel=1e-12)
    else:
        a = np.hstack([1 - a, a]) if sizes[-1] == 1 else a
        assert mlp.predict_proba(X) == pytest.approx(a, rel=1e-12)
        assert (mlp.predict(X) == (a >= 0.5 if output == "sigmoid" and sizes[-1] > 1 else a.argmax(axis=1))).all()


def test_it_can_be_trained_on():
    y = TARGETS["three classes"]
    mlp = to_sklearn(bl.Network([4, 5, 3], output="softmax", dtype="float64"))
    assert (mlp.max_iter, hasattr(mlp, "_optimizer"), mlp.n_iter_) == (
        200,
        False,
        0,
    )  # nothing is left of how it was made
    before = mlp.coefs_[0].copy()
    mlp.partial_fit(X, y)
    assert 0 < np.abs(mlp.coefs_[0] - before).max() < 0.01  # one epoch of adam: a few steps of 0.001
    assert mlp.n_iter_ == 1


def test_a_model_with_an_encoding_becomes_a_pipeline_on_raw_columns():
    raw = X * [1, 10, 100, 1000] + 5
    encoding = Encoding(("a", "b", "c", "d"), raw.mean(0), raw.std(0), "classes", "y", 3, ("x", "y", "z"))
    model = bl.Model(bl.Network([4, 5, 3], output="softmax", dtype="float64"), encoding)
    pipeline = to_sklearn(model)
    assert pipeline.predict_proba(raw) == pytest.approx(model.predict_proba(raw), rel=1e-12)
    assert np.array_equal(pipeline.predict(raw), model.predict(raw))


def test_a_model_of_a_table_becomes_a_pipeline_on_frames():
    import polars as pl

    from backlit.data import read
    from backlit.data.encoding import fit

    frame = pl.DataFrame({"size": X[:, 0], "kind": ["a", "b", "c"] * 20, "y": TARGETS["two texts"]})
    encoding = fit(read(frame, target="y"), np.arange(60))
    model = bl.Model(bl.Network([len(encoding.inputs), 3, 2], output="softmax", dtype="float64"), encoding)
    pipeline = to_sklearn(model)
    assert np.array_equal(pipeline.predict(frame), model.predict(frame))
    assert pipeline.predict_proba(frame) == pytest.approx(model.predict_proba(frame), rel=1e-12)


def test_the_targets_units_are_taken_into_the_last_layer():
    encoding = Encoding(
        ("a", "b", "c", "d"), np.zeros(4), np.ones(4), "numbers", "y", 2, target_offset=np.array([5.0, -7]),
        target_scale=np.array([10.0, 0.1]),
    )  # fmt: skip
    model = bl.Model(bl.Network([4, 5, 2], dtype="float64"), encoding)
    model.network.layer(3).b[...] = 3, -4
    assert to_sklearn(model).predict(X) == pytest.approx(model.predict(X), rel=1e-12)


def of_numbers(output, log=0.0, scale=10.0):
    encoding = Encoding(
        ("a", "b", "c", "d"), np.zeros(4), np.ones(4), "numbers", "y", 1, target_offset=np.zeros(1),
        target_scale=np.array([scale]), target_log=np.array([log]),
    )  # fmt: skip
    return bl.Model(bl.Network([4, 1], output=output), encoding)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (lambda: to_sklearn(of_numbers("identity", log=2.0)), "the target's logarithm was learnt"),
        (lambda: to_sklearn(of_numbers("exponential")), "the target was scaled for its output activation"),
        (lambda: to_sklearn(bl.Network([4, 5, 3], activation="gelu")), "this network has gelu"),
        (lambda: to_sklearn(bl.Network([4, 5, 5, 3], activation=["relu", "tanh"])), "one activation for every hidden"),
        (lambda: to_sklearn(bl.Network([4, 5, 3], output="tanh")), "identity or exponential outputs for numbers"),
        (lambda: from_sklearn(MLPClassifier()), "this MLPClassifier is not fitted"),
        (lambda: from_sklearn(3), "not a value of type int"),
        (lambda: to_sklearn(bl.Model(
            bl.Network([1, 3], output="softmax"),
            Encoding(("a",), np.zeros(1), np.ones(1), "classes", "y", 3, (2, 1, 0)))), "sorts its classes"),
    ],
)  # fmt: skip
def test_what_scikit_learn_does_not_have_is_refused(thing, words):
    with pytest.raises(OptionError, match=words):
        thing()
