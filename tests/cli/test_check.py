"""``backlit check``: the gradient of new and saved networks, homework in files, exit codes."""

import json

import numpy as np
import pytest

import backlit as bl


def test_a_new_network_passes(run):
    result = run("check iris --layers 5")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0].startswith("Network(4-5-3, sigmoid, softmax")
    assert "PASS: backpropagation (reference engine) against finite differences, 10 rows" in result.out


def test_json(run, digits):
    found = run("check", "digits", "--model", str(digits), "--rows", "3,5-6", "--json").json
    assert found["rows"] == 3
    assert found["check"]["answer"] == "pass"
    assert found["check"]["price"]["naive_passes"] == 3 * 2261
    assert {q["answer"] for q in found["check"]["quantities"]} == {"pass"}


def test_another_engine_is_audited_too(run):
    result = run("check iris --layers 5 --engine auto")
    assert result.code == 0
    assert "equation by equation, against float64" in result.out


@pytest.fixture
def homework(here):
    """One row, a network of 2-2-1 sigmoids, and a student who left out σ' in BP2."""
    net = bl.Network([2, 2, 1], activation="sigmoid", output="sigmoid", initializer="gaussian", seed=1, dtype="float64")
    bl.save(net, here / "net.safetensors")
    X, y = np.array([[0.5, -0.25], [1.0, 2.0]]), np.array([1.0, 0.0])
    np.savez(here / "rows.npz", X=X, y=y)
    a2 = 1 / (1 + np.exp(-(X @ net.layer(2).W.T + net.layer(2).b)))
    a3 = 1 / (1 + np.exp(-(a2 @ net.layer(3).W.T + net.layer(3).b)))
    d3 = a3 - y[:, None]
    d2 = d3 @ net.layer(3).W
    return net, {"delta": {"3": d3.round(5).tolist(), "2": d2.round(5).tolist()}}, d2 * a2 * (1 - a2)


def test_homework_is_judged(run, here, homework):
    _, yours, d2 = homework
    (here / "mine.json").write_text(json.dumps(yours))
    result = run("check", "rows.npz", "--model", "net.safetensors", "--yours", "mine.json")
    assert result.code == 1
    assert "WRONG: the first wrong equation is BP2, error of a hidden layer, at layer 2" in result.out
    assert "why: δ² equals δ³ W³: you left out ⊙ σ'(z²)" in result.out
    yours["delta"]["2"] = d2.round(5).tolist()
    (here / "mine.json").write_text(json.dumps(yours))
    result = run("check", "rows.npz", "--model", "net.safetensors", "--yours", "mine.json", "--json")
    assert result.code == 0
    assert result.json["homework"]["passed"] is True


def test_homework_with_its_own_weights(run, here, homework):
    net, yours, _ = homework
    theta = {f"Theta{l - 1}": np.column_stack([net.layer(l).b, net.layer(l).W]) for l in (2, 3)}
    np.savez(here / "mine.npz", **theta, delta3=np.array(yours["delta"]["3"]))
    result = run("check", "rows.npz", "--yours", "mine.npz")
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check iris --rows 5,900", "there is no row 900: there are 150, numbered from 0 to 149"),
        ("check iris --rows 0", "--rows takes how many, as 10"),
        ("check iris --rows few", "--rows takes how many, as 10"),
        ("check iris --yours mine.json", "mine.json: cannot be read as .json: No such file or directory"),
        ("check iris --cost quadratik", "did you mean 'quadratic'"),
        ("check rows.npz --yours mine.json", "give it with --model"),
    ],
)
def test_bad_input_is_one_line(run, here, line, words):
    if line.startswith("check rows"):
        np.savez(here / "rows.npz", X=np.ones((2, 2)), y=np.ones(2))
        (here / "mine.json").write_text('{"cost": 1.0}')
    result = run(line)
    assert result.code == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
