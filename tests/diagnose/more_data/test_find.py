"""More data: the curve against scikit-learn's own, the trainings against ``bl.train``, nothing leaks, bad input."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import learning_curve
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

import backlit as bl
from backlit import data
from backlit.diagnose.more_data import amounts as amounts_of_rows
from backlit.diagnose.more_data.find import of_recipe
from backlit.diagnose.more_data.learner import Learner, Recipe
from backlit.training import defaults

QUICK = {"epochs": 2, "layers": (4,)}


def parts_of(y, **options):
    return amounts_of_rows.splits(
        y, **{"number": 3, "apart": round(0.2 * len(y)), "seed": 0, "classes": True} | options
    )


def test_the_scores_are_those_of_scikit_learns_learning_curve():
    X, y = data.load("digits")
    found = bl.more_data(X, y, estimator=GaussianNB(), splits=3, seed=0)
    sizes, on_training, on_test = learning_curve(
        GaussianNB(), X, y, train_sizes=found.amounts, cv=parts_of(y), error_score="raise"
    )
    assert (sizes == found.amounts).all()
    assert (found.training == on_training.T).all()
    assert (found.scores == on_test.T).all()
    assert found.score == "accuracy"
    assert len(found.amounts) == 8
    assert found.amounts[-1] == len(y) - round(0.2 * len(y))
    assert found.amounts[0] == pytest.approx(found.amounts[-1] / 8, abs=1)


def test_another_score():
    X, y = data.load("diabetes")
    found = bl.more_data(X, y, estimator=LinearRegression(), splits=3, scoring="neg_mean_absolute_error")
    assert (found.scores < 0).all()
    assert found.at(500).score < 0
    assert found.at(500).low < found.at(500).score < found.at(500).high
    assert "neg_mean_absolute_error 4" in found.in_words() or "neg_mean_absolute_error 5" in found.in_words()


def test_splits_are_nested_and_each_amount_has_the_classes_in_their_shares():
    y = np.repeat([0, 1, 2], [500, 300, 50])
    for train, test in parts_of(y, apart=170):
        assert np.intersect1d(train, test).size == 0
        assert len(np.union1d(train, test)) == len(y)
        assert np.bincount(y[test]) == pytest.approx([100, 60, 10], abs=1)
        for n in (20, 100, 333, 680):
            assert np.bincount(y[train[:n]], minlength=3) == pytest.approx(n * np.array([500, 300, 50]) / 850, abs=1.01)
    first, second = (parts_of(y, apart=170)[0][0] for _ in range(2))
    assert (first == second).all()
    assert (parts_of(y, apart=170, seed=1)[0][0] != first).any()
    assert (parts_of(y, apart=170)[1][0] != first).any()


def test_each_amount_is_trained_as_a_training_by_rule():
    """Encoding, network and training once more, by the package's own parts."""
    read = data.read("wine")
    rows = np.random.default_rng(0).permutation(178)[:90]
    learner = Learner(read, Recipe("classes", seed=4)).fit(rows[:, np.newaxis])
    kept = np.sort(rows)
    assert learner.encoding_.offset == pytest.approx(read.X[kept].mean(axis=0))  # of the training rows alone
    encoding = data.fit(read, kept)
    settled = defaults.choose(90, 13, "classes")
    net = bl.Network([13, *settled.layers, 3], activation=settled.activation, output="softmax", seed=4)
    bl.train(
        net, encoding.features(read.X[kept], "float32"), encoding.targets(read.y[kept], "float32"),
        optimizer=settled.make_optimizer(), schedule=settled.schedule, batch_size=settled.batch_size,
        epochs=settled.epochs, seed=4, progress=False,
    )  # fmt: skip
    assert (learner.network_.parameters == net.parameters).all()
    test = np.setdiff1d(np.arange(178), rows)
    says = net.predict(encoding.features(read.X[test], "float32")).argmax(axis=1)
    assert learner.score(test[:, np.newaxis]) == pytest.approx((says == read.y[test]).mean())


@pytest.mark.parametrize("source", ["iris", "diabetes"])
def test_what_was_asked_for_is_trained(source):
    read = data.read(source)
    task = "numbers" if source == "diabetes" else "classes"
    recipe = Recipe(task, given=QUICK | {"optimizer": "sgd", "learning_rate": 0.25, "batch_size": 100}, seed=0)
    learner = Learner(read, recipe).fit(np.arange(0, 150, 3))
    assert learner.network_.sizes[1:-1] == (4,)
    by_hand = bl.Network(
        learner.network_.sizes,
        activation=defaults.ACTIVATION[task],
        output="identity" if task == "numbers" else "softmax",
    )
    encoding = learner.encoding_
    rows = np.arange(0, 150, 3)
    bl.train(
        by_hand, encoding.features(read.X[rows], "float32"), encoding.targets(read.y[rows], "float32"), optimizer="sgd",
        learning_rate=0.25, epochs=2, batch_size="all", progress=False,
    )  # fmt: skip
    assert (learner.network_.parameters == by_hand.parameters).all()


def test_a_frame_of_text_and_numbers_with_a_target_of_text():
    import polars as pl

    rng = np.random.default_rng(0)
    size = rng.normal(size=300)
    kind = rng.choice(["red", "green", "blue"], 300)
    y = np.where(size + (kind == "red") > 0, "yes", "no")
    frame = pl.DataFrame({"size": size, "kind": kind, "y": rng.normal(size=300)})  # a column called as the target is
    found = bl.more_data(frame, y, splits=3, amounts=[0.25, 0.5, 0.75, 1])
    assert found.amounts.tolist() == [60, 120, 180, 240]
    assert found.scores[:, -1].mean() > 0.9


def test_labels_and_several_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    labels = (X[:, :2] > 0).astype(int)
    read = data.Dataset(X=X, y=labels, source="X", columns=("a", "b", "c"), target="y")
    assert of_recipe(read, Recipe("labels", given=QUICK), splits=3).score == "label_accuracy"
    read = data.Dataset(X=X, y=X[:, :2] * 2.0, source="X", columns=("a", "b", "c"), target="y")
    assert of_recipe(read, Recipe("numbers", given=QUICK), splits=3).score == "r2"


def test_the_same_seed_gives_the_same_and_nothing_else_is_drawn_from():
    X, y = data.load("iris")
    before = np.random.get_state()[1].copy()
    first, second, third = (bl.more_data(X, y, estimator=GaussianNB(), seed=s) for s in (3, 3, 4))
    assert (first.scores == second.scores).all()
    assert first.at(1000) == second.at(1000)
    assert (first.scores != third.scores).any()
    assert (np.random.get_state()[1] == before).all()


class Pressed(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        raise KeyboardInterrupt


def test_an_interrupt_says_that_there_is_nothing():
    with pytest.raises(bl.TrainingInterrupted, match="before every amount of data was tried: there is nothing to"):
        bl.more_data(*data.load("iris"), estimator=Pressed())


def test_a_divergence_names_the_row_of_the_data():
    read = data.read("digits")
    recipe = Recipe(
        "classes", given={"optimizer": "sgd", "learning_rate": 1e6}, output="identity", train={"cost": "quadratic"}
    )
    rows = np.arange(1200, 1797)
    with pytest.raises(bl.DivergenceError) as caught:
        Learner(read, recipe).fit(rows)
    assert caught.value.where["row"] in rows


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"splits": 2}, "splits of more_data must be a whole number, at least 3"),
        ({"test": 0}, "test of more_data must be a number above 0"),
        ({"test": 0.999}, "leaves too few to judge by, or to train on"),
        ({"confidence": 1.0}, "confidence of more_data must be a number above 0 and below 1"),
        ({"amounts": [10, 20, 30]}, "amounts must be at least 4 different numbers of rows from 2 to 120"),
        ({"amounts": [10, 20, 30, 400]}, "from 2 to 120"),
        ({"amounts": "all"}, "amounts must be at least 4"),
        ({"amounts": [0.1, 0.5, np.nan, 1]}, "amounts must be at least 4"),
        ({"task": "clases"}, "did you mean 'classes'"),
        ({"task": "classes", "estimator": KNeighborsClassifier()}, "task goes without an estimator"),
        ({"scoring": "accuracy"}, "scoring goes with an estimator"),
        ({"estimator": KNeighborsClassifier}, "estimator must be one of scikit-learn's contract"),
        ({"estimator": 5}, "estimator must be one of scikit-learn's contract"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_what_cannot_be_is_one_line(options, words):
    with pytest.raises(bl.BacklitError, match=words) as caught:
        bl.more_data(*data.load("iris"), **options)
    assert "\n" not in str(caught.value)


def test_too_few_rows():
    X, y = data.load("iris")
    words = "48 training rows of 3 classes are too few to see what fewer of them would give; it takes 80"
    for estimator in (None, GaussianNB()):
        with pytest.raises(bl.DataError, match=words):
            bl.more_data(X[::5].repeat(2, axis=0), y[::5].repeat(2), estimator=estimator)
        with pytest.raises(bl.DataError, match=r"no rows|needs one value a row"):
            bl.more_data(X[:0], y[:0], estimator=estimator)


def test_rows_that_do_not_match():
    X, y = data.load("iris")
    with pytest.raises(bl.DataError, match="149"):
        bl.more_data(X, y[:-1])
    with pytest.raises(bl.DataError, match="149"):
        bl.more_data(X, y[:-1], estimator=KNeighborsClassifier())
