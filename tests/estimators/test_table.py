"""Frames with text and missing values, as they are; and an estimator as a model that can be saved."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import cross_val_score

import backlit as bl
from backlit.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(8)
ROWS = 240
KIND = RNG.choice(["bird", "cat", "dog"], ROWS)
SIZE = np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.normal(size=ROWS))
FRAME = pl.DataFrame({"kind": [None if i % 17 == 0 else k for i, k in enumerate(KIND)], "size": SIZE}).with_columns(
    pl.col("size").fill_nan(None)
)
TARGET = np.where((KIND == "bird") | (np.nan_to_num(SIZE) > 1), "flies", "walks")


def classifier(**options: Any) -> bl.BackpropClassifier:
    return bl.BackpropClassifier(
        **({"encode": "auto", "random_state": 0, "max_iter": 60, "learning_rate_init": 0.02} | options)
    )


def test_polars_and_pandas_frames_as_they_are() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    model = classifier().fit(FRAME, TARGET)
    assert model.score(FRAME, TARGET) > 0.85
    assert model.n_features_in_ == 2
    assert list(model.feature_names_in_) == ["kind", "size"]
    assert model.encoding_.inputs == model.to_model().encoding.inputs
    other = pandas.DataFrame({"kind": FRAME["kind"].to_list(), "size": SIZE})
    twin = classifier().fit(other, pandas.Series(TARGET))
    assert (twin.network_.parameters == model.network_.parameters).all()
    assert (twin.predict(FRAME) == model.predict(other)).all()
    assert cross_val_score(classifier(), other, TARGET, cv=3).min() > 0.75


def test_columns_go_by_their_names_and_arrays_by_position() -> None:
    model = classifier().fit(FRAME, TARGET)
    assert (model.predict(FRAME.select("size", "kind")) == model.predict(FRAME)).all()
    with pytest.raises(DataError, match="X has no column 'kind'"):
        model.predict(FRAME.select("size"))
    array = FRAME.to_numpy()
    assert array.dtype == object
    by_place = classifier().fit(array, TARGET)
    assert (by_place.predict(array) == model.predict(FRAME)).all()
    with pytest.raises(DataError, match="X must be a frame, or rows × columns"):
        classifier().fit(array[:, 0], TARGET)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(FRAME[:-1], TARGET)


def test_the_encoding_is_learnt_from_the_rows_that_train() -> None:
    """A value that only the rows held out have is no input of the network."""
    once = classifier(early_stopping=True, validation_fraction=0.25).fit(FRAME, TARGET)
    held_out = np.setdiff1d(np.arange(ROWS), train_rows(once))
    odd = FRAME.with_row_index().with_columns(
        kind=pl.when(pl.col("index").is_in(held_out.tolist())).then(pl.lit("ant")).otherwise("kind")
    )
    model = classifier(early_stopping=True, validation_fraction=0.25).fit(odd.drop("index"), TARGET)
    assert not any("ant" in name for name in model.encoding_.inputs)
    assert any("ant" in name for name in classifier().fit(odd.drop("index"), TARGET).encoding_.inputs)


def train_rows(model: Any) -> np.ndarray:
    """Those that the seed of ``model`` leaves for training, by the splitter it uses."""
    from sklearn.model_selection import train_test_split

    rng = np.random.RandomState(0)
    rng.randint(np.iinfo(np.int32).max)
    classes = (model._labels.transform(TARGET) > 0).astype(int)
    return train_test_split(np.arange(ROWS), test_size=0.25, random_state=rng, stratify=classes)[0]


def test_the_dtype_is_that_of_the_numbers() -> None:
    assert classifier().fit(FRAME, TARGET).network_.dtype == np.float64
    single = FRAME.with_columns(pl.col("size").cast(pl.Float32))
    assert classifier().fit(single, TARGET).network_.dtype == np.float32


def test_partial_fit_keeps_the_encoding_of_its_first_rows() -> None:
    model = classifier().partial_fit(FRAME[:100], TARGET[:100], classes=["flies", "walks"])
    encoding = model.encoding_
    model.partial_fit(FRAME[100:], TARGET[100:])
    assert model.encoding_ is encoding


TASKS: list[tuple[Any, Any]] = [
    (bl.BackpropClassifier, TARGET),
    (bl.BackpropClassifier, np.digitize(np.nan_to_num(SIZE), [-1, 1]).astype(float)),
    (bl.BackpropClassifier, np.column_stack([KIND == "cat", SIZE > 0]).astype(int)),
    (bl.BackpropRegressor, np.nan_to_num(SIZE)),
    (bl.BackpropRegressor, RNG.normal(size=(ROWS, 2))),
]


@pytest.mark.parametrize(("kind", "y"), TASKS)
@pytest.mark.parametrize("encode", [None, "auto"])
def test_saved_and_loaded_it_answers_the_same(kind: Any, y: np.ndarray, encode: str | None, tmp_path: Path) -> None:
    X: Any = FRAME if encode else np.nan_to_num(SIZE)[:, np.newaxis]
    model = kind(encode=encode, random_state=0, max_iter=3).fit(X, y)
    path = tmp_path / "model.safetensors"
    bl.save(model.to_model(), path)
    loaded = bl.load_model(path)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if kind is bl.BackpropClassifier:
        # a model's probabilities are divided by their sum once more
        np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), rtol=1e-15)


def test_classes_a_model_has_no_words_for() -> None:
    X = np.nan_to_num(SIZE)[:, np.newaxis]
    with pytest.raises(
        DataError, match=r"a model has two classes or more, of text or whole numbers; this one has \['one'\]"
    ):
        bl.BackpropClassifier(max_iter=1).fit(X, np.full(ROWS, "one")).to_model()


def test_text_is_read_as_what_it_says_and_numbers_come_as_one_input() -> None:
    rows = 400
    frame = pl.DataFrame(
        {
            "paid": [f"${x:,.2f}" for x in RNG.uniform(100, 9000, rows)],
            "on": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(rows)],
            "member": RNG.choice(["yes", "no"], rows),
            "name": [f"N{i}x, {('Mr', 'Mrs')[i % 2]}" for i in range(rows)],
        }
    )
    target = np.where(frame["paid"].str.replace_all(r"[$,]", "").cast(pl.Float64).to_numpy() > 4000, "much", "little")
    model = classifier().fit(frame, target)
    assert [column.kind for column in model.encoding_.columns] == ["number", "moment", "truth", "words"]
    assert model.encoding_.inputs[0] == "paid"
    assert model.encoding_.columns[0].inputs == ("paid",)  # and no ramps, which want decay
    assert model.score(frame, target) > 0.95
    assert (model.to_model().predict(frame) == model.predict(frame)).all()
