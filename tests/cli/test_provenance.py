"""How a model came to be: plain data, no clocks, of bounded size."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import sklearn

import backlit as bl
from backlit import data
from backlit.cli import matching, provenance
from backlit.training import EpochRecord, History

WINE = data.read("wine")
RECORD = EpochRecord(1, 10, 0.5, 0.9, 0.0, 0.6, 0.8, None, 0.1, 2.5)


def of(**options):
    parts = data.split(WINE.known_y, validation=0.2, test=0.1, seed=3, stratify=True)
    network = bl.Network([13, 3], output="softmax")
    X = WINE.X / 1000
    run = bl.train(
        network, X[parts.train], WINE.known_y[parts.train],
        validation=(X[parts.validation], WINE.known_y[parts.validation]), epochs=2, seed=3, **options,
    )  # fmt: skip
    return run, provenance.of(WINE, parts, 0.2, 0.1, run, {"test": {"accuracy": 0.5, "log_loss": math.inf}})


def test_it_says_where_the_model_came_from():
    run, found = of(early_stopping=True)
    assert found["source"] == "wine"
    assert found["fingerprint"] == WINE.fingerprint()
    assert found["rows"] == {"train": 124, "validation": 36, "test": 18}
    assert found["split"] == {"validation": 0.2, "test": 0.1, "seed": 3}
    assert found["options"]["validation"] == 0.2
    assert found["options"]["optimizer"]["name"] == "adam"
    assert found["epochs"] == 2
    assert found["best_epoch"] == run.best_epoch
    assert found["history"]["cost"] == run.history["cost"]
    assert found["versions"] == {
        "backlit": bl.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }
    parts = data.split(WINE.known_y, **found["split"], stratify=True)
    assert found["split_fingerprint"] == matching.fingerprint_of(parts)


def test_it_is_plain_and_finite_and_has_no_clock():
    _, found = of()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["scores"] == {"test": {"accuracy": 0.5, "log_loss": None}}
    assert "seconds" not in found["history"]
    assert of()[1] == found


def test_an_interrupted_training_kept_no_best_epoch():
    run, _ = of(early_stopping=True)
    parts = data.split(WINE.known_y, validation=0.2, test=0.1, seed=3, stratify=True)
    run.stopped = "interrupted"
    assert provenance.of(WINE, parts, 0.2, 0.1, run, {})["best_epoch"] is None


@pytest.mark.parametrize(
    ("epochs", "longest", "kept"),
    [(3, 1000, [1, 2, 3]), (5, 5, [1, 2, 3, 4, 5]), (6, 5, [2, 4, 6]), (7, 3, [1, 4, 7]), (1, 1, [1])],
)
def test_a_long_history_is_thinned_and_keeps_its_last(epochs, longest, kept):
    history = History([replace(RECORD, epoch=number, cost=float(number)) for number in range(1, epochs + 1)])
    found = provenance.summary(history, longest)
    assert found["epoch"] == kept
    assert found["cost"] == kept
    assert "validation_r2" not in found


def test_a_model_trained_for_long_can_be_saved(tmp_path):
    history = History([replace(RECORD, epoch=number, cost=1 / number) for number in range(1, 20_001)])
    assert len(json.dumps(provenance.summary(history))) < 200_000
