"""Training again on training and validation rows: what of, when, and what is said of it."""

from types import SimpleNamespace

import numpy as np
import pytest

import backlit as bl
from backlit import data
from backlit.cli import refitting
from backlit.data import encoding
from backlit.training import defaults


def by_hand(name="iris", **given):
    """The two trainings that the command makes, one after the other: (parameters, epochs) of the second."""
    dataset = data.read(name)
    parts = data.split(dataset.known_y, validation=0.2, test=0.2, seed=0, stratify=True)
    run = trained(dataset, parts, given)
    both = np.sort(np.concatenate([parts.train, parts.validation]))
    all_of_them = data.Split(both, both[:0], parts.test)
    costs = [record.validation_cost for record in run.history]
    planned = settled(len(both), dataset, given).epochs
    last_is_good = costs[-1] <= 1.05 * min(costs)
    epochs = planned if last_is_good else round(planned * run.best_epoch / len(costs))
    return trained(dataset, all_of_them, {**given, "epochs": epochs}).network.parameters, epochs


def settled(rows, dataset, given):
    return defaults.choose(rows, dataset.X.shape[1], "classes", given=given)


def trained(dataset, parts, given):
    found = encoding.fit(dataset, parts.train)
    rule = settled(len(parts.train), dataset, given)
    network = bl.Network(
        [len(found.inputs), *rule.layers, found.outputs], activation=rule.activation, output="softmax", seed=0,
        dtype="float32",
    )  # fmt: skip
    X, y = found.features(dataset.X, "float32"), found.targets(dataset.known_y, "float32")
    held_out = (X[parts.validation], y[parts.validation]) if len(parts.validation) else None
    return bl.train(
        network, X[parts.train], y[parts.train], validation=held_out, optimizer=rule.make_optimizer(),
        schedule=rule.schedule, batch_size=rule.batch_size, epochs=rule.epochs, seed=0,
        early_stopping=bl.EarlyStopping(patience=None) if held_out else None, progress=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_the_network_is_that_of_a_training_on_both(name, run):
    parameters, epochs = by_hand(name, layers=(8,))
    found = run(f"train {name} --layers 8 --json").json
    assert found["refit"] == {"rows": found["rows"]["train"] + found["rows"]["validation"], "epochs": epochs}
    model = bl.load_model(f"{name}.safetensors")
    assert model.network.parameters.tobytes() == parameters.tobytes()
    dataset = data.read(name)
    parts = data.split(dataset.known_y, validation=0.2, test=0.2, seed=0, stratify=True)
    right = model.predict(dataset.X[parts.test]) == np.array(dataset.classes)[dataset.known_y[parts.test]]
    assert found["scores"]["test"]["accuracy"] == right.mean()


def test_the_validation_score_is_of_the_network_that_was_judged_by_it(run):
    once = run("train wine --layers 8 --no-refit --json --out once").json
    twice = run("train wine --layers 8 --json --out twice").json
    assert once["refit"] is None
    assert once["scores"]["validation"] == twice["scores"]["validation"]
    assert once["history"] == twice["history"]
    assert bl.load("once").parameters.tobytes() != bl.load("twice").parameters.tobytes()


def test_it_is_said(run):
    result = run("train iris --quiet")
    again = bl.load_model("iris.safetensors").provenance["refit"]
    assert again["rows"] == 120
    line = f"refitted  on the training and validation rows together, 120, in {again['epochs']} epochs"
    assert " ".join(line.split()) in " ".join(result.out.split())
    assert f"refit epochs {again['epochs']}, rows 120" in " ".join(run("inspect iris.safetensors").out.split())


def test_rows_that_were_learnt_from_no_longer_judge(run):
    run("train iris")
    assert run("evaluate iris.safetensors iris --json").json["rows"] == {"all": 150, "train": 120, "test": 30}
    run("train iris --no-refit --force")
    rows = {"all": 150, "train": 90, "validation": 30, "test": 30}
    assert run("evaluate iris.safetensors iris --json").json["rows"] == rows


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ("--epochs 3", False),
        ("--early-stopping 20", False),
        ("--optimizer adam", False),
        ("--epochs 3 --refit", True),
        ("--early-stopping 20 --refit", True),
        ("--seed 1", True),
        ("--no-refit", False),
        ("--validation 0", False),
        ("--time 60s", False),
    ],
)
def test_when_it_is_done(options, again, run):
    assert (run(f"train iris --layers 4 {options} --json").json["refit"] is not None) == again


@pytest.mark.parametrize("options", ["--time 60s", "--validation 0"])
def test_what_stands_against_it_is_named(options, run):
    result = run(f"train iris --refit {options}")
    assert (result.code, result.out) == (2, "")
    assert (
        result.err == "backlit: --refit needs validation rows, and neither --time nor --window; leave one of them out\n"
    )


def test_many_rows_are_enough_for_both():
    def due(rows, refit=None, **more):
        defined = {"validation": 0.2, "time": None, "window": None, "epochs": None, "optimizer": None}
        asked = SimpleNamespace(**{**defined, "early_stopping": None, **more})
        return refitting.is_due(refit, asked, SimpleNamespace(best_epoch=3), rows=rows)

    assert due(defaults.REFITTED_ROWS)
    assert not due(defaults.REFITTED_ROWS + 1)
    assert due(defaults.REFITTED_ROWS + 1, refit=True)
    assert not due(10, refit=False)
    for other in ({"time": "3s"}, {"window": 100}, {"validation": 0.0}):
        assert not due(10, **other)
    assert not due(10, epochs=3)
    assert due(10, refit=True, epochs=3)


@pytest.mark.parametrize(
    ("costs", "best", "planned", "again", "epochs"),
    [
        ([3, 1, 1.04], 2, 3, 30, 30),  # nearly as good
        ([3, 1, 1.06], 2, 3, 30, 20),  # not quite: as far as the best was
        ([3, 1], 2, 3, 30, 20),  # stopped early: as far as the best was
        ([1, 2, 3, 4], 1, 4, 1, 1),  # one at least
        ([-1, -2, -1.95], 2, 3, 6, 6),  # a cost may be below 0
        ([-1, -2, -1.8], 2, 3, 6, 4),
    ],
)
def test_epochs_of_the_second_training(costs, best, planned, again, epochs):
    assert defaults.epochs_again(costs, best, planned, again) == epochs


def test_rows_that_were_left_out_are_not_learnt_from_there_either(run):
    parts = data.split(data.read("iris").known_y, validation=0.2, test=0.2, seed=0, stratify=True)
    named = [*parts.train[:5], *parts.validation[:7], *parts.test[:2]]
    found = run("train", "iris", "--layers", "4", "--leave-out", ",".join(map(str, named)), "--json").json
    assert found["rows"] == {"train": 85, "validation": 30, "test": 30}
    assert found["refit"]["rows"] == 120 - 12


def interrupt_second(monkeypatch, failure):
    train, calls = bl.train, []

    def once(*args, **options):
        calls.append(options)
        if len(calls) == 2:
            raise failure(train(*args, **{**options, "epochs": 1}))
        return train(*args, **options)

    monkeypatch.setattr(bl, "train", once)


def test_interrupted_in_it_the_first_network_is_saved(run, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_second(patch, lambda stopped: bl.TrainingInterrupted("interrupted", stopped, signal=2))
        result = run("train wine --layers 8 --out m")
    assert result.code == 130
    assert "the network of the first training is kept, and saved" in result.err
    model = bl.load_model("m")
    run("train wine --layers 8 --no-refit --out once")
    assert model.network.parameters.tobytes() == bl.load("once").parameters.tobytes()
    assert model.provenance["refit"] is None


def test_diverged_in_it_the_first_network_is_saved(run, monkeypatch):
    interrupt_second(monkeypatch, lambda stopped: bl.DivergenceError("it did", {}))
    result = run("train wine --layers 8 --out m")
    assert result.code == 0
    assert "rows together diverged: the network of the first training is kept" in result.err
    assert bl.load_model("m").provenance["refit"] is None


def test_what_is_noted_of_the_data_is_in_the_document(run, here):
    rows = [f"{i % 7},same,{'ab'[i % 3 == 0]}" for i in range(60)]
    (here / "t.csv").write_text("\n".join(["size,more,class", *rows]))
    result = run("train t.csv --json --epochs 2")
    assert "column 'more': left out: it is 'same' in every row" in result.json["notes"]
    assert any(note.startswith("the target is the column 'class'") for note in result.json["notes"])
    assert result.err.count("note: ") == len(result.json["notes"])
    assert run("train t.csv --json --epochs 2 --quiet").json["notes"] == result.json["notes"]
    assert run("train iris --json --epochs 2").json["notes"] == []
