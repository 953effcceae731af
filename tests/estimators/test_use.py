"""The estimators where they are used: scikit-learn's own tools, sparse data, warm starts, all that Backlit adds."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backlit as bl
from backlit.errors import DataError, OptionError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(150, 4))
CLASSES = np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.6, 0.6])]
NUMBER = X[:, 0] - np.abs(X[:, 2])


def classifier(**options: Any) -> bl.BackpropClassifier:
    return bl.BackpropClassifier(**({"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 20} | options))


def regressor(**options: Any) -> bl.BackpropRegressor:
    return bl.BackpropRegressor(**({"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 20} | options))


def same_bits(one: Any, other: Any) -> bool:
    return bool((one.network_.parameters == other.network_.parameters).all())


# --- scikit-learn's tools


def test_in_a_pipeline_a_grid_search_and_a_cross_validation() -> None:
    pipeline = make_pipeline(StandardScaler(), classifier(max_iter=60, learning_rate_init=0.02))
    grid = {"backpropclassifier__alpha": [1e-4, 100.0], "backpropclassifier__hidden_layer_sizes": [(4,), (8, 4)]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, CLASSES)
    assert search.best_params_["backpropclassifier__alpha"] == 1e-4
    assert search.score(X, CLASSES) > 0.9
    assert cross_val_score(regressor(max_iter=200, learning_rate_init=0.02), X, NUMBER, cv=3).min() > 0.7


def test_calibrated_bagged_and_permuted() -> None:
    quick = classifier(learning_rate_init=0.05)
    calibrated = CalibratedClassifierCV(quick, cv=3).fit(X, CLASSES)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert BaggingClassifier(quick, n_estimators=3, random_state=0).fit(X, CLASSES).score(X, CLASSES) > 0.8
    importance = permutation_importance(quick.fit(X, CLASSES), X, CLASSES, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 0


def test_frames_and_the_names_of_their_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = classifier().fit(frame, pandas.Series(CLASSES))
    assert list(model.feature_names_in_) == list("abcd")
    assert (model.predict(frame) == classifier().fit(X, CLASSES).predict(X)).all()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("dcba")])


def test_sample_weights_are_routed() -> None:
    import sklearn

    weights = np.where(CLASSES == "top", 20.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        assert model.get_metadata_routing().fit.requests["sample_weight"]
        search = GridSearchCV(model, {"alpha": [1e-4]}, cv=2).fit(X, CLASSES, sample_weight=weights)
    assert same_bits(search.best_estimator_, classifier().fit(X, CLASSES, weights))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_cloned_and_pickled(make: Any) -> None:
    y = CLASSES if make is classifier else NUMBER
    model = make().fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    assert (twin.predict(X) == model.predict(X)).all()
    twin.coefs_[0][...] = 0  # views still, of a network of its own
    assert not same_bits(twin, model)
    assert same_bits(clone(model).fit(X, y), model)
    assert same_bits(pickle.loads(pickle.dumps(model)).partial_fit(X, y), model.partial_fit(X, y))


@pytest.mark.slow  # two processes must load everything
def test_a_second_process_trains_to_the_same_bits() -> None:
    scores = [cross_val_score(regressor(), X, NUMBER, cv=2, n_jobs=jobs) for jobs in (1, 2)]
    assert (scores[0] == scores[1]).all()


# --- kinds of data


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sparse_rows_give_the_bits_of_dense_ones(container: Any, dtype: str) -> None:
    thin = np.where(np.abs(X) > 0.5, X, 0).astype(dtype)
    one, other = classifier().fit(container(thin), CLASSES), classifier().fit(thin, CLASSES)
    assert one.coefs_[0].dtype == dtype
    assert same_bits(one, other)
    assert (one.predict_proba(container(thin)) == other.predict_proba(thin)).all()


def test_several_labels() -> None:
    labels = np.column_stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 0] + X[:, 1] > 0.5]).astype(int)
    model = classifier(max_iter=100, learning_rate_init=0.03, early_stopping=True).fit(X, labels)
    assert model.out_activation_ == "logistic"
    assert model.predict(X).shape == model.predict_proba(X).shape == labels.shape
    assert model.score(X, labels) > 0.8
    many = model.fit(X, sparse.csr_array(labels))
    assert sparse.issparse(many.predict(X))


def test_one_class_alone_is_what_is_predicted() -> None:
    model = classifier().fit(X, np.full(150, "only"))
    assert set(model.predict(X)) == {"only"}


def test_a_number_beyond_float32_is_named() -> None:
    model = regressor().fit(X.astype("f4"), NUMBER)
    far = X.copy()
    far[3, 1] = 1e39
    with pytest.raises(DataError, match="X as float32 has infinity at row 3, column 1"):
        model.predict(far)
    with pytest.raises(DataError, match="y as float32 has infinity at row 2"):
        regressor().fit(X.astype("f4"), np.where(np.arange(150) == 2, 1e39, NUMBER))
    with pytest.raises(DataError, match="y has -1 among its values; poisson takes counts"):
        regressor(loss="poisson").fit(X, np.full(150, -1.0))


def test_weights_that_cannot_be_are_named() -> None:
    with pytest.raises(DataError, match="sample_weight has -1 at row 0"):
        regressor().fit(X, NUMBER, np.full(150, -1.0))


# --- going on


def test_epochs_of_partial_fit_are_the_epochs_of_fit_to_the_bit() -> None:
    whole = classifier(batch_size=32, dropout=0.3, max_iter=4, tol=0).fit(X, CLASSES)
    pieces = classifier(batch_size=32, dropout=0.3)
    for _ in range(4):
        pieces.partial_fit(X, CLASSES, classes=np.unique(CLASSES))
        assert pieces.n_iter_ == 1
    assert same_bits(pieces, whole)
    np.testing.assert_allclose(pieces.loss_curve_, whole.loss_curve_, rtol=1e-12)
    assert pieces.t_ == whole.t_ == 600


def test_partial_fit_goes_on_from_a_fit_and_with_other_rows() -> None:
    model = regressor(max_iter=5).fit(X, NUMBER)
    before, state = model.network_.parameters.copy(), model._progress.state["m"].copy()
    model.partial_fit(X[:7], NUMBER[:7])
    assert (model._progress.steps, model._progress.epochs) == (6, 6)
    gradient_free = model._progress.state["m"] - 0.9 * state  # m ← 0.9 m + 0.1 g, from the fit's own m
    assert np.abs(gradient_free).max() > 0
    assert not (model.network_.parameters == before).all()
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :3], NUMBER)


def test_partial_fit_needs_the_classes_and_takes_no_others() -> None:
    with pytest.raises(ValueError, match="classes"):
        classifier().partial_fit(X, CLASSES)
    model = classifier().partial_fit(X[:5], ["low"] * 5, classes=["low", "mid", "top"])
    with pytest.raises(DataError, match=r"y has the class .*'other'.*, which is none of those learnt before"):
        model.partial_fit(X[:1], ["other"])
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(regressor(optimizer=bl.optimizers.LBFGS()), "partial_fit")
    with pytest.raises(OptionError, match="class_weight='balanced' needs all rows at once"):
        classifier(class_weight="balanced").partial_fit(X, CLASSES, classes=["low", "mid", "top"])
    with pytest.raises(OptionError, match="partial_fit does not support early_stopping=True"):
        classifier(early_stopping=True).partial_fit(X, CLASSES, classes=["low", "mid", "top"])


def test_warm_start_goes_on_from_the_parameters_with_a_new_optimizer() -> None:
    model = regressor(warm_start=True, max_iter=3).fit(X, NUMBER)
    network, curve = model.network_, list(model.loss_curve_)
    model.fit(X, NUMBER)
    assert model.network_ is network
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (3, 900, 6)
    assert model.loss_curve_[:3] == curve
    assert model._progress.steps == 3
    with pytest.raises(
        OptionError, match=r"to go on from the last fit the network must stay as it was.*warm_start=False"
    ):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, NUMBER)
    with pytest.raises(DataError, match=r"warm_start goes on with the classes of the last fit.*has no 'top'"):
        classifier(warm_start=True).fit(X, CLASSES).fit(X, np.where(CLASSES == "top", "mid", CLASSES))


def test_a_fit_without_it_begins_anew() -> None:
    model = regressor().fit(X, NUMBER)
    first = model.network_.parameters.copy()
    assert (model.fit(X, NUMBER).network_.parameters == first).all()
    assert len(model.loss_curve_) == 20


def test_the_seed_and_the_order_of_rows_change_the_numbers() -> None:
    base = regressor(batch_size=32).fit(X, NUMBER)
    assert not same_bits(base, regressor(batch_size=32, random_state=1).fit(X, NUMBER))
    assert not same_bits(base, regressor(batch_size=32, shuffle=False).fit(X, NUMBER))
    assert same_bits(
        regressor(random_state=np.random.RandomState(3)).fit(X, NUMBER),
        regressor(random_state=np.random.RandomState(3)).fit(X, NUMBER),
    )


def test_a_batch_larger_than_the_data() -> None:
    with pytest.warns(UserWarning, match="batch_size=500 is more than the 150 rows there are"):
        one = regressor(batch_size=500).fit(X, NUMBER)
    assert same_bits(one, regressor(batch_size="all").fit(X, NUMBER))
    assert same_bits(one, regressor().fit(X, NUMBER))


# --- early stopping


def test_early_stopping_keeps_the_best_epoch_by_rows_that_did_not_train() -> None:
    model = classifier(early_stopping=True, max_iter=60, learning_rate_init=0.05, validation_fraction=0.2)
    model.fit(X, CLASSES)
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    assert model.t_ == 120 * model.n_iter_
    assert regressor().fit(X, NUMBER).validation_scores_ is None
    with pytest.raises(DataError, match=r"The validation set is too small: validation_fraction=0.1 of 3 rows is 1"):
        regressor(early_stopping=True).fit(X[:3], NUMBER[:3])


def test_validation_data_judge_each_epoch() -> None:
    train, apart = slice(0, 100), slice(100, 150)
    given = (X[apart], NUMBER[apart])
    model = regressor(early_stopping=True, max_iter=40).fit(X[train], NUMBER[train], validation_data=given)
    assert model.t_ == 100 * model.n_iter_  # none were held out
    assert model.best_validation_score_ == pytest.approx(model.score(*given), abs=1e-9)
    watched = regressor(max_iter=5).fit(X[train], NUMBER[train], validation_data=(*given, np.ones(50)))
    assert len(watched.validation_scores_) == 5
    assert watched.best_loss_ == min(watched.loss_curve_)
    assert same_bits(watched, regressor(max_iter=5).fit(X[train], NUMBER[train]))
    weights = np.linspace(0, 1, 50)
    weighted = regressor(max_iter=1).fit(X[train], NUMBER[train], validation_data=(*given, weights))
    assert weighted.validation_scores_[0] == pytest.approx(weighted.score(*given, weights), abs=1e-9)
    for wrong in (X, (X,), (X, NUMBER, None, None)):
        with pytest.raises(OptionError, match=r"validation_data must be \(X, y\) or"):
            regressor().fit(X, NUMBER, validation_data=wrong)
    with pytest.raises(OptionError, match="lbfgs has no epochs to judge by validation_data"):
        regressor(solver="lbfgs").fit(X, NUMBER, validation_data=given)
    with pytest.raises(DataError, match="y has the class 'other'"):
        classifier().fit(X, CLASSES, validation_data=(X[:2], ["other", "low"]))


def test_divergence_is_explained_and_with_early_stopping_survived() -> None:
    wild = {"solver": "sgd", "learning_rate_init": 1e8, "random_state": 0, "activation": "identity"}
    with pytest.raises(
        ValueError, match=r"training diverged in epoch 1, step 1 .* row 70\) .*; lower learning_rate_init, or scale"
    ):
        bl.BackpropRegressor(**wild | {"batch_size": 10}).fit(X * 1e150, NUMBER)
    tame = wild | {"learning_rate_init": 0.8, "momentum": 0, "batch_size": "all"}
    with pytest.warns(ConvergenceWarning, match="training diverged in epoch .*; the best epoch before that is kept"):
        model = bl.BackpropRegressor(early_stopping=True, **tame).fit(X * 2, NUMBER)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.network_.parameters).all()


class Interrupt(bl.Callback):
    """Ctrl-C at the end of epoch 3."""

    def on_epoch_end(self, run: bl.Run) -> None:
        if len(run.history) == 3:
            raise KeyboardInterrupt


def test_an_interrupt_keeps_the_epochs_that_were_made() -> None:
    with pytest.warns(UserWarning, match="training interrupted in epoch 3"):
        model = regressor(callbacks=[Interrupt()]).fit(X, NUMBER)
    assert len(model.loss_curve_) == model.n_iter_ == 3
    assert same_bits(model, regressor(max_iter=3).fit(X, NUMBER))


# --- what Backlit adds


def test_class_weights_are_sample_weights() -> None:
    counts = {label: int((CLASSES == label).sum()) for label in np.unique(CLASSES)}
    weights = np.array([150 / (3 * counts[label]) for label in CLASSES])
    balanced = classifier(class_weight="balanced").fit(X, CLASSES)
    np.testing.assert_allclose(
        balanced.network_.parameters, classifier().fit(X, CLASSES, weights).network_.parameters, rtol=1e-9
    )
    assert same_bits(
        classifier(class_weight={"top": 3}).fit(X, CLASSES, weights),
        classifier().fit(X, CLASSES, weights * np.where(CLASSES == "top", 3, 1)),
    )
    heavy = classifier(class_weight={"low": 0.001, "mid": 0.001}, learning_rate_init=0.1).fit(X, CLASSES)
    assert (heavy.predict(X) == "top").mean() > 0.8


def test_dropout_and_an_activation_a_layer() -> None:
    model = classifier(hidden_layer_sizes=(6, 5), activation=("tanh", "gelu"), dropout=(0.5, 0.0)).fit(X, CLASSES)
    assert [a.name for a in model.network_.activations] == ["tanh", "gelu", "softmax"]
    assert model.network_.dropout == (0.5, 0.0)
    assert not same_bits(model, clone(model).set_params(dropout=0.0).fit(X, CLASSES))
    assert same_bits(
        classifier(activation="logistic").fit(X, CLASSES), classifier(activation="sigmoid").fit(X, CLASSES)
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"optimizer": "sgd"}, {"solver": "sgd"}),
        ({"optimizer": "adamw"}, {"optimizer": bl.optimizers.AdamW(0.001)}),
        ({"optimizer": "rmsprop", "learning_rate_init": 0.01}, {"optimizer": bl.optimizers.RMSprop(0.01)}),
        ({"optimizer": bl.optimizers.Adam(0.001)}, {}),
        ({"optimizer": "lbfgs"}, {"solver": "lbfgs"}),
        ({"schedule": "constant", "solver": "sgd"}, {"solver": "sgd"}),
        ({"cost": "quadratic"}, {}),
    ],
    ids=str,
)
def test_two_ways_to_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same_bits(regressor(**one).fit(X, NUMBER), regressor(**other).fit(X, NUMBER))


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "rmsprop"},
        {"schedule": "cosine"},
        {"cost": "huber"},
        {"initializer": "he-normal"},
        {"alpha": 10.0},
    ],
    ids=str,
)
def test_each_option_changes_the_numbers(options: dict[str, Any]) -> None:
    assert not same_bits(regressor(**options).fit(X, NUMBER * 3), regressor().fit(X, NUMBER * 3))


def test_counts() -> None:
    counts = RNG.poisson(np.exp(X[:, 0]))
    model = regressor(loss="poisson", learning_rate_init=0.02, max_iter=200).fit(X, counts)
    assert model.out_activation_ == "exp"
    assert (model.predict(X) > 0).all()
    assert same_bits(regressor(cost="poisson").fit(X, counts), regressor(loss="poisson").fit(X, counts))


def test_callbacks_and_the_engine() -> None:
    heard: list[int] = []

    class Listener(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            heard.append(len(run.history))

    model = regressor(callbacks=[Listener()], engine="reference", max_iter=3).fit(X, NUMBER)
    assert heard == [1, 2, 3]
    assert len(model.history_) == 3
    np.testing.assert_allclose(
        model.network_.parameters, regressor(max_iter=3).fit(X, NUMBER).network_.parameters, rtol=1e-9, atol=1e-12
    )


def test_before_a_fit_there_is_nothing() -> None:
    with pytest.raises(AttributeError, match="not fitted"):
        _ = classifier().coefs_
    assert not hasattr(classifier(), "intercepts_")
