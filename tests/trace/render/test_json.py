"""The JSON: valid by its schema, every number exact, nothing lost, nothing that JSON has no word for."""

import json
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.trace import small
from backlit.trace.examples import EXAMPLES, example

SCHEMA = Path(__file__).parents[3] / "docs" / "trace.schema.json"


@pytest.fixture(scope="module")
def validate():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return validator.validate


def infinite():
    net = bl.Network([2, 3, 2, 1], activation="relu", dtype="float64")
    net.parameters[:] = 1e200
    return bl.trace(net, [1.0, 1.0], [0.0])


def saturated():
    net = bl.Network([1, 1], output="sigmoid", dtype="float64")
    net.parameters[:] = [800.0, 0.0]
    return bl.trace(net, [1.0], [0.0])


@pytest.mark.parametrize(
    "make",
    [
        *(lambda n=n: example(n).trace(steps=2, learning_rate=0.1) for n in EXAMPLES if n != "digits"),
        infinite,
        saturated,
    ],
)
def test_the_document_is_valid_by_its_schema(make, validate):
    document = json.loads(make().to_json(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    validate(document)
    document["surprise"] = 1
    with pytest.raises(Exception, match="surprise"):
        validate(document)


def test_every_number_comes_back_exactly():
    t = example("three-layers").trace(learning_rate=0.3, steps=2)
    held = json.loads(t.to_json())
    for quantity in ("z", "a", "slope", "dC_da", "delta", "weight_gradient", "bias_gradient"):
        for l, values in held[quantity].items():
            assert np.array_equal(values, getattr(t, quantity)(int(l))), (quantity, l)
    assert held["row_costs"] == t.row_costs.tolist()
    assert held["cost"] == {"total": t.cost.total, "data": t.cost.data, "penalty": t.cost.penalty}
    for step, made in zip(t.steps, held["steps"], strict=True):
        flat = np.concatenate([np.append(np.ravel(made["update"]["W"][l]), made["update"]["b"][l]) for l in ("2", "3")])
        assert np.array_equal(flat, step.update)


def test_a_network_comes_back_from_its_own_trace():
    t = example("mazur").trace()
    net = small.network([2, 2, 2], json.loads(t.to_json()))
    assert np.array_equal(net.parameters, t.network.parameters)


def test_what_is_infinite_is_a_word_and_said_where():
    held = json.loads(infinite().to_json())
    assert held["z"]["3"] == [["Infinity", "Infinity"]]
    assert held["first_non_finite"] == {"quantity": "z", "layer": 3, "j": 0, "row": 0}
    assert held["delta"] == held["weight_gradient"] == {}
    assert json.loads(saturated().to_json())["dC_da"]["2"] == [["Infinity"]]


def test_it_is_written_where_asked_and_never_over_a_file(tmp_path):
    path = tmp_path / "t.json"
    text = example("mazur").trace().to_json(path)
    assert path.read_text(encoding="utf-8") == text
    with pytest.raises(bl.OutputPathError):
        example("mazur").trace().to_json(path)
    example("1-1-1").trace().to_json(path, force=True)
