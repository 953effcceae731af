"""``backlit trace``: from an example, from numbers written down, from a model; in words, paths, files and JSON."""

import json

import numpy as np
import pytest

import backlit as bl

WEIGHTS = '{"2":{"W":[[0.8,-0.3],[0.2,0.9],[-0.5,0.4]],"b":[0.1,0,0.2]},"3":{"W":[[0.7,0.5,-0.6]],"b":[0.05]}}'


def test_an_example_shows_every_equation_and_number(run):
    found = run("trace --example mazur")
    assert (found.code, found.err) == (0, "")
    for said in ("BP1, error of the output", "BP4, gradient of the weights", "0.298371", "∂C/∂W³₀₀ = 0.082167"):
        assert said in found.out


def test_the_issue_of_one_number(run):
    found = run("trace", "--example", "1-1-1", "--explain", "weight 3 0 0", "--derive")
    assert found.code == 0
    assert "∂C/∂W³₀₀ = δ³₀ · a²₀" in found.out
    assert "one neuron a layer:" in found.out
    assert "every other term is 0" in found.out


def test_a_network_written_down(run):
    found = run(
        "trace", "--layers", "2,3,1", "--weights", WEIGHTS, "--x", "0.05,0.10", "--y", "1",
        "--activation", "sigmoid", "--cost", "mse", "--json",
    )  # fmt: skip
    assert found.code == 0
    net = bl.Network([2, 3, 1], activation="sigmoid", output="sigmoid", dtype="float64")
    net.parameters[:] = [0.8, -0.3, 0.2, 0.9, -0.5, 0.4, 0.1, 0, 0.2, 0.7, 0.5, -0.6, 0.05]
    t = bl.trace(net, [0.05, 0.10], [1.0], cost="mse")
    assert found.json == json.loads(t.to_json())


def test_weights_from_a_file_and_several_rows(run, here):
    (here / "w.json").write_text(WEIGHTS)
    found = run("trace", "--layers", "2,3,1", "--weights", "w.json", "--x", "1,2;3,4", "--y", "1;0", "--json")
    assert found.json["rows"] == 2
    assert found.json["y"] == [[1.0], [0.0]]


def test_a_model_and_its_data(run, digits):
    parts = ("--explain", "delta 3 5", "--channels", "weight 2 0 20")
    found = run("trace", str(digits), "digits", "--row", "5", "--json", *parts)
    assert found.code == 0
    model, held = bl.load_model(digits), found.json
    X, _ = bl.data.load("digits")
    dataset = bl.data.read("digits")
    assert np.allclose(held["a"]["3"], model.outputs(dataset.X[[5]]), atol=1e-7)  # float32
    assert held["explanation"]["quantity"] == "delta"
    assert held["channels"]["count"] == 10
    assert len(X) == len(dataset.X)


def test_a_models_own_cost_and_penalty_are_traced(run, here):
    assert run("train iris --epochs 2 --l2 0.5 --out m.safetensors").code == 0
    held = run("trace m.safetensors iris --row 3 --json").json
    train_rows = bl.load_model("m.safetensors").provenance["rows"]["train"]
    assert held["objective"]["l2"] == 0.5
    assert held["objective"]["n"] == train_rows
    assert run("trace m.safetensors iris --row 3 --l2 0 --json").json["objective"]["l2"] == 0


def test_paths_words_and_languages(run):
    assert "by 3 paths" in run("trace", "--example", "3-3-3", "--channels", "weight 2 1 0").out
    assert "the 1 largest paths" in run("trace", "--example", "3-3-3", "--channels", "bias 2 1", "--top", "1").out
    assert "too high by 0.7414" in run("trace --example mazur --words").out
    company = run("trace --example 2-3-1 --voice company --steps 3 --learning-rate 2 --lang zh").out
    assert "第 3 天" in company
    assert "Θ⁽¹⁾" in run("trace --example mazur --notation ng").out


def test_files_are_written_and_never_over_one(run, here):
    found = run("trace --example mazur --html p.html --latex p.tex --lang zh")
    assert found.code == 0
    assert "p.html" in found.err
    assert found.out == ""
    assert '"lang":"zh"' in (here / "p.html").read_text(encoding="utf-8")
    assert "ctexart" in (here / "p.tex").read_text(encoding="utf-8")
    again = run("trace --example mazur --html p.html")
    assert again.code == 2
    assert "p.html" in again.err
    assert run("trace --example mazur --html p.html --force").code == 0


def test_steps_show_the_cost_before_and_after(run):
    found = run("trace --example mazur --steps 3")
    assert found.out.count("the cost goes from") == 3
    assert "from 0.298371 to 0.280471" in found.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--example", "mazzur"], "did you mean 'mazur'"),
        ([], "say which network, one of: a model file with data, --example NAME, or --layers; got none"),
        (["--example", "mazur", "--layers", "2,1"], "got --example and --layers"),
        (["--layers", "2,3,1"], "--layers needs --weights too"),
        (["--layers", "2,3,1", "--weights", WEIGHTS, "--x", "1", "--y", "1"], "x has 1 columns"),
        (["--layers", "2,2,1", "--weights", WEIGHTS, "--x", "1,2", "--y", "1"], "shape (3, 2); expected (2, 2)"),
        (["--layers", "2,1", "--weights", WEIGHTS, "--x", "1,2", "--y", "1"], "the weights are those of layers 2, 3"),
        (["--layers", "2,1", "--weights", "[1,2]", "--x", "1,2", "--y", "1"], "expected an object"),
        (["--layers", "2,1", "--weights", "{", "--x", "1,2", "--y", "1"], "are not JSON"),
        (["--layers", "2,1", "--weights", "no.json", "--x", "1,2", "--y", "1"], "no.json cannot be read"),
        (["--layers", "2,1", "--weights", '{"2": [1]}', "--x", "1,2", "--y", "1"], "layer 2 of the weights must be"),
        (["--layers", "1,1", "--weights", '{"2":{"W":[["a"]]}}', "--x", "1", "--y", "1"], "holds 'a'"),
        (["--example", "mazur", "--explain", "weight 1 0 0"], "layer 1 is the input: it has no weights"),
        (["--example", "mazur", "--explain", "weight 2 0 9"], "no input 9 of layer 2: inputs count from 0 to 1"),
        (["--example", "mazur", "--explain", "weight 9 0 0"], "layers count from 1, and this network ends with 3"),
        (["--example", "mazur", "--explain", "weight 2 x"], "whole numbers, as 'weight 2 4 17'"),
        (["--example", "mazur", "--explain", "weight 2 0 0 0 0"], "has 5 numbers; weight takes layer, j, k, row"),
        (["--example", "mazur", "--channels", "weight 2 0"], "has 2 numbers; weight takes layer, j, k"),
        (["--example", "mazur", "--notation", "nilsen"], "did you mean 'nielsen'"),
        (["--example", "mazur", "--lang", "fr"], "lang 'fr' is not known"),
        (["--example", "mazur", "--digits", "0"], "--digits takes 1 to 17"),
        (["--example", "mazur", "--x", "1,2"], "give --x and --y together"),
        (["nowhere.safetensors", "digits"], "nowhere.safetensors"),
    ],
)
def test_what_cannot_be_traced_is_said_in_one_line(run, arguments, said):
    found = run("trace", *arguments)
    assert found.code == 2
    assert found.out == ""
    assert said in found.err
    assert found.err.count("\n") == 1


def test_a_row_that_is_not_there(run, digits):
    found = run("trace", str(digits), "digits", "--row", "1797")
    assert found.code == 2
    assert "there is no row 1797: digits has rows 0 to 1796" in found.err
    assert "say which data" in run("trace", str(digits)).err
