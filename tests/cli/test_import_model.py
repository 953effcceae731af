"""``backlit import``: a model from another format, what is said and kept of it, and what is refused."""

import numpy as np
import pytest
from scipy.io import savemat

import backlit as bl

RNG = np.random.default_rng(0)
THETAS = {"Theta1": RNG.normal(size=(5, 5)), "Theta2": RNG.normal(size=(3, 6))}


@pytest.fixture
def mat(here):
    savemat(here / "w.mat", THETAS)
    return here / "w.mat"


def test_thetas_become_a_model_that_predicts(mat, here, run):
    result = run("import", "w.mat", "-o", "net.safetensors", "--classes", "ham,spam,eggs")
    assert result.code == 0
    said = " ".join(result.out.split())
    assert "imported Network(4-5-3, sigmoid, sigmoid: 43 parameters, float64)" in said
    assert "verified outputs differ from g([1 a] Θᵀ) in float64's by at most" in said
    assert "lost what activations it had" in said
    model = bl.load_model(here / "net.safetensors")
    assert model.encoding.classes == ("ham", "spam", "eggs")
    assert set(model.predict(RNG.normal(size=(20, 4)))) <= {"ham", "spam", "eggs"}
    kept = model.provenance["imported"]
    assert (kept["format"], kept["from"]) == ("mat", "w.mat")
    assert kept["agreement"]["outputs"] < 1e-12
    assert "sigmoid was taken" in kept["lost"][0]


def test_inspect_says_where_it_came_from(mat, run):
    run("import w.mat --activation tanh --output softmax")
    said = " ".join(run("inspect w.safetensors").out.split())
    assert "imported from w.mat (mat)" in said
    assert "verified against g([1 a] Θᵀ) in float64, data random, outputs" in said
    assert "4 columns, taken as they are: x0, x1, x2, x3" in said
    assert run("inspect w.safetensors --json").json["training"]["imported"]["lost"] == []


def test_json_and_the_name_of_the_model(mat, here, run):
    found = run("import w.mat --json").json
    assert (found["model"], found["file"], found["task"]) == ("w.safetensors", "w.mat", "labels")
    assert found["agreement"]["rows"] == 64
    assert (here / "w.safetensors").exists()


def test_a_state_dict_keeps_its_own_name(here, run):
    bl.formats.export(bl.Network([4, 5, 3], activation="tanh", output="softmax"), here / "net.safetensors")
    result = run("import net.safetensors")
    assert (result.code, "net-model.safetensors" in result.out) == (0, True)
    assert bl.load_model(here / "net-model.safetensors").network.activations[0].name == "tanh"


def test_onnx_comes_in(here, run):
    pytest.importorskip("onnx")
    network = bl.Network([4, 5, 1], output="sigmoid")
    bl.formats.export(network, here / "net.onnx")
    found = run("import net.onnx -o net.safetensors --json").json
    assert (found["format"], found["task"], found["opset"]) == ("onnx", "classes", 17)
    assert np.array_equal(bl.load(here / "net.safetensors").parameters, network.parameters)
    rows = RNG.normal(size=(5, 4))
    np.savez(here / "rows.npz", X=rows)
    assert run("predict net.safetensors rows.npz").out.splitlines()[0] == "row,predicted y,p(0),p(1)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("w.pkl", "where you trust it, load it yourself and save it again: safetensors.torch.save_file(module"),
        ("w.keras", "a .keras file is not read"),
        ("w.foo", "its suffix '.foo' says no format"),
        ("none.mat", "none.mat cannot be read: No such file"),
        ("w.mat --activation rleu", "did you mean 'relu'"),
        ("w.mat --activation relu,tanh", "has 2 values for 1 hidden layers"),
        ("w.mat --classes a,b", "need 3 different classes, and 2 are given"),
        ("w.mat --classes a,b,b", "need 3 different classes"),
        ("w.mat --task clases", "task 'clases' is not known; did you mean 'classes'"),
        ("w.mat --format npz", "format 'npz' is not known"),
        ("state.safetensors", "says no activations; give the hidden layers' own, as --activation relu"),
        ("w.mat -o w.mat --force", "--out w.mat is the file that is read as FILE"),
        ("w.mat -o taken.safetensors", "exists; --force overwrites it"),
    ],
)
def test_refusals_are_one_line_and_nothing_is_written(arguments, words, mat, here, run):
    import safetensors.numpy

    state = {"0.weight": np.ones((5, 4), np.float32), "2.weight": np.ones((3, 5), np.float32)}
    safetensors.numpy.save_file(state, here / "state.safetensors")
    (here / "taken.safetensors").write_bytes(b"mine")
    before = sorted(path.name for path in here.iterdir())
    result = run(*f"import {arguments}".split())
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == before
    assert (here / "taken.safetensors").read_bytes() == b"mine"
