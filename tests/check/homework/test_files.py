"""Homework in .npz, .json and .mat files, in our names and the Octave exercise's; files that cannot be read."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from backlit.check.homework import files
from backlit.errors import DataError


def test_npz(tmp_path):
    np.savez(tmp_path / "mine.npz", delta_2=np.ones((1, 2)), weight_gradient3=np.zeros((1, 2)), cost=0.3)
    found = files.read(tmp_path / "mine.npz")
    assert found.yours["delta"][2].tolist() == [[1, 1]]
    assert found.yours["weight_gradient"][3].shape == (1, 2)
    assert float(found.yours["cost"]) == 0.3
    assert found.weights == {}


def test_json_keeps_the_digits(tmp_path):
    text = '{"delta": {"2": [[0.50, null]]}, "cost": 0.290, "W_2": [[0.5, 1]], "b_2": [0.25]}'
    (tmp_path / "mine.json").write_text(text)
    found = files.read(tmp_path / "mine.json")
    assert found.yours == {"delta": {"2": [["0.50", None]]}, "cost": "0.290"}
    W, b = found.weights[2]
    assert (W.tolist(), b.tolist()) == ([[0.5, 1.0]], [0.25])


def test_the_shape_of_the_octave_exercise(tmp_path):
    theta = np.arange(6.0).reshape(2, 3)
    savemat(tmp_path / "mine.mat", {"Theta1": theta, "Theta2": theta[:1], "Theta1_grad": theta, "delta2": theta[:, 1:], "J": 0.28})  # fmt: skip # noqa: E501
    found = files.read(tmp_path / "mine.mat")
    assert sorted(found.yours) == ["cost", "delta", "weight_gradient"]
    assert found.yours["weight_gradient"][2].shape == (2, 3)
    assert float(found.yours["cost"]) == 0.28
    assert found.weights[2][0].tolist() == theta[:, 1:].tolist()
    assert found.weights[2][1].tolist() == theta[:, 0].tolist()
    assert sorted(found.weights) == [2, 3]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("mine.txt", b"", r"homework is read from \.npz, \.json and \.mat files"),
        ("mine.npz", b"no zip", r"cannot be read as \.npz"),
        ("mine.mat", b"no mat", r"cannot be read as \.mat"),
        ("mine.json", b"{", r"cannot be read as \.json"),
        ("mine.json", b"[1]", "must be one JSON object"),
        ("mine.json", b'{"nabla_w": [1]}', "holds 'nabla_w', which is not understood; understood are z_2"),
        ("mine.json", b'{"W_3": [[1.0]]}', "weights must be there for every layer"),
        ("mine.json", b'{"Theta1": [1.0]}', "must be a matrix"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        files.read(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        files.read(tmp_path / "mine.json")


def test_objects_in_an_archive_are_not_read(tmp_path):
    np.savez(tmp_path / "mine.npz", delta_2=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="cannot be read"):
        files.read(tmp_path / "mine.npz")


def test_everything_understood_is_listed():
    with pytest.raises(DataError) as error:
        files.understand(json.loads('{"x_9": 1}'), "mine")
    for name in ("delta_2", "weight_gradient_2", "cost", "J", "Theta1_grad", "W_2"):
        assert name in str(error.value)
