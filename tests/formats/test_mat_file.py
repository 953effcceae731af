"""Octave's and MATLAB's Thetas: the course's own layout and formula, both ways."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.io import loadmat, savemat

import backlit as bl
from backlit.errors import DataError, OptionError, OutputPathError
from backlit.formats import mat_file

RNG = np.random.default_rng(5)


def thetas(*sizes):
    return {
        f"Theta{l}": RNG.normal(size=(after, before + 1)) for l, (before, after) in enumerate(pairwise(sizes), start=1)
    }


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def course(X, variables):
    """As in the course's predict.m: a bias unit of 1 put before every layer."""
    a = X
    for number in range(1, len(variables) + 1):
        a = sigmoid(np.hstack([np.ones((len(a), 1)), a]) @ variables[f"Theta{number}"].T)
    return a


@pytest.mark.parametrize("sizes", [(4, 3), (20, 25, 10), (3, 4, 5, 6, 2)])
def test_thetas_compute_what_the_course_computes(sizes, tmp_path):
    variables = thetas(*sizes)
    savemat(tmp_path / "w.mat", {**variables, "X": np.eye(2)})
    found = mat_file.read(tmp_path / "w.mat")
    X = RNG.normal(size=(30, sizes[0]))
    assert found.network.sizes == sizes
    assert found.network.predict(X) == pytest.approx(course(X, variables), rel=1e-13)
    assert any("sigmoid was taken" in what for what in found.lost)
    assert any("other variables: X" in what for what in found.lost)


def test_thetas_go_by_their_numbers_wherever_they_stand(tmp_path):
    variables = thetas(4, 5, 3)
    savemat(tmp_path / "w.mat", dict(reversed(variables.items())))
    network = mat_file.read(tmp_path / "w.mat").network
    X = RNG.normal(size=(5, 4))
    assert network.predict(X) == pytest.approx(course(X, variables), rel=1e-13)


def test_an_activation_that_cannot_stand_there_is_named(tmp_path):
    savemat(tmp_path / "w.mat", thetas(4, 5, 3))
    with pytest.raises(OptionError, match="activation 'softmax'"):
        mat_file.read(tmp_path / "w.mat", activation="softmax")
    given = mat_file.read(tmp_path / "w.mat", activation="tanh")
    assert any("sigmoid was taken" in what for what in given.lost)  # of the output
    assert not mat_file.read(tmp_path / "w.mat", activation="tanh", output="softmax").lost


def test_the_header_says_who_wrote_it_and_not_when(tmp_path):
    mat_file.write(bl.Network([4, 3]), tmp_path / "w.mat")
    content = (tmp_path / "w.mat").read_bytes()
    assert content.startswith(b"MATLAB 5.0 MAT-file, written by Backlit")
    assert content[116:128] == b"\0" * 8 + b"\0\1IM"


def test_what_is_written_octave_reads(tmp_path):
    network = bl.Network([4, 5, 3], activation="sigmoid", output="sigmoid", dtype="float64", seed=3)
    mat_file.write(network, tmp_path / "w.mat")
    theirs = loadmat(tmp_path / "w.mat")
    variables = {name: theirs[name] for name in ("Theta1", "Theta2")}
    X = RNG.normal(size=(30, 4))
    assert network.predict(X) == pytest.approx(course(X, variables), rel=1e-13)
    assert theirs["activations"].tolist() == ["sigmoid,sigmoid"]


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("one.mat", "two.mat"):
        mat_file.write(bl.Network([4, 5, 3]), tmp_path / name)
    assert (tmp_path / "one.mat").read_bytes() == (tmp_path / "two.mat").read_bytes()


def test_the_activations_go_along_and_can_be_given(tmp_path):
    mat_file.write(bl.Network([4, 5, 6, 3], activation=["tanh", "gelu"], output="softmax"), tmp_path / "w.mat")
    found = mat_file.read(tmp_path / "w.mat")
    assert [a.name for a in found.network.activations] == ["tanh", "gelu", "softmax"]
    assert found.lost == ()
    given = mat_file.read(tmp_path / "w.mat", activation="relu")
    assert [a.name for a in given.network.activations] == ["relu", "relu", "softmax"]


@pytest.mark.parametrize(
    ("variables", "error", "words"),
    [
        ({"W": np.eye(3)}, DataError, r"no variables Theta1, Theta2, … .*; it has W"),
        ({"Theta1": np.eye(3), "Theta3": np.eye(3)}, DataError, "has Theta3, and no Theta2"),
        ({"Theta1": np.ones((5, 4)), "Theta2": np.ones((3, 4))}, DataError, "Theta2 takes 3 inputs, and .* 5 outputs"),
        ({"Theta1": np.ones((5, 1))}, DataError, "bias first"),
        ({"Theta1": np.ones((2, 3, 4))}, DataError, "bias first"),
        ({"Theta1": np.full((5, 4), np.inf)}, DataError, "not finite"),
        (
            {"Theta1": np.full((2, 3), 1e300), "Theta2": np.full((2, 3), 1e300), "activations": "identity,identity"},
            OptionError, "on random rows a number is not finite",
        ),
        ({"Theta1": "text"}, DataError, "Theta1 is text"),
        ({"Theta1": np.ones((2, 3)), "theta1": np.ones((2, 3))}, DataError, "two matrices of number 1"),
        ({"Theta1": np.ones((2, 3)), "activations": "relu,relu"}, OptionError, "says 2 activations for 1 layers"),
        ({"Theta1": np.ones((2, 3)), "activations": "rleu"}, OptionError, "did you mean 'relu'"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_refused(variables, error, words, tmp_path):
    savemat(tmp_path / "w.mat", variables)
    with pytest.raises(error, match=words):
        mat_file.read(tmp_path / "w.mat")


def test_an_existing_file_is_kept(tmp_path):
    (tmp_path / "w.mat").write_bytes(b"mine")
    with pytest.raises(OutputPathError, match="exists; force=True"):
        mat_file.write(bl.Network([2, 1]), tmp_path / "w.mat")
    assert (tmp_path / "w.mat").read_bytes() == b"mine"
