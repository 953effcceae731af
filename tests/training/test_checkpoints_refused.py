"""A checkpoint of another training, or one that is damaged, is refused in one line, and nothing has happened."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import CheckpointError
from backlit.training import checkpoints

RNG = np.random.default_rng(9)
X = RNG.normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(int)
V, V_Y = RNG.normal(size=(6, 3)), np.arange(6) % 2
NET = {"sizes": [3, 4, 2], "activation": "tanh", "output": "softmax", "dropout": 0.1, "seed": 1}


def train(path: Path, net: dict[str, Any] | None = None, X: Any = X, y: Any = Y, **options: Any) -> bl.Network:
    shape = {**NET, **(net or {})}
    network = bl.Network(shape.pop("sizes"), **shape)
    plain = {
        "batch_size": 5, "epochs": 2, "progress": False, "validation": (V, V_Y), "checkpoint": path,
        "optimizer": "adam", "early_stopping": 5,
    }  # fmt: skip
    bl.train(network, X, y, **{**plain, **options})
    return network


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "c"
    train(path)
    return path.read_bytes()


CHANGED = np.array(X)
CHANGED[7, 1] = np.nextafter(np.float32(CHANGED[7, 1]), np.float32(9))
WEIGHTS = np.where(np.arange(20) == 3, 1.01, 1.0)

OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"net": {"sizes": [3, 5, 2]}}, r"layers was \[3, 4, 2\] there and is \[3, 5, 2\] here"),
    ({"net": {"activation": "relu"}}, r"activations was \['tanh', 'softmax'\] there and is \['relu', 'softmax'\]"),
    ({"net": {"dropout": 0.2}}, r"dropout was \[0.1\] there and is \[0.2\] here"),
    ({"net": {"initializer": "gaussian"}}, "initializer was 'auto' there and is 'gaussian' here"),
    ({"net": {"seed": 2}}, "network_seed was 1 there and is 2 here"),
    ({"net": {"dtype": "float64"}}, "dtype was 'float32' there and is 'float64' here"),
    ({"cost": "quadratic"}, "cost was 'cross-entropy' there and is 'quadratic' here"),
    ({"l2": 0.5}, "l2 was 0.0 there and is 0.5 here"),
    ({"optimizer": "adamw"}, "optimizer was {.*'name': 'adam'}? there"),
    ({"learning_rate": 0.5}, "optimizer was {.*0.001.*} there and is {.*0.5.*} here"),
    ({"schedule": "step"}, "schedule was {'name': 'constant'} there"),
    ({"clip": 1.0}, "clip was None there and is 1.0 here"),
    ({"batch_size": 4}, "batch_size was 5 there and is 4 here"),
    ({"early_stopping": 6}, "early_stopping was {.*5.*} there and is {.*6.*} here"),
    ({"seed": 8}, "seed was 0 there and is 8 here"),
    ({"sample_weight": WEIGHTS}, "sample_weight was False there and is True here"),
    ({"class_weight": "balanced"}, "class_weight was None there and is 'balanced' here"),
    ({"X": CHANGED}, "its training data is not this one's"),
    ({"y": 1 - Y}, "its training data is not this one's"),
    ({"X": X[:-1], "y": Y[:-1]}, "its training data is not this one's"),
    ({"validation": (V, 1 - V_Y)}, "its validation data is not this one's"),
    ({"validation": 0.3}, "validation was 'given' there and is 0.3 here"),
    ({"validation": None, "early_stopping": None}, "validation was 'given' there and is None here"),
]


@pytest.mark.parametrize(("changed", "message"), OTHERS)
def test_another_training_is_refused_by_the_first_thing_that_differs(
    changed: dict[str, Any], message: str, saved: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "c"
    path.write_bytes(saved)
    with pytest.raises(CheckpointError, match=f"c is of another training: {message}") as refused:
        train(path, resume=True, **changed)
    assert "\n" not in str(refused.value)
    assert "or start anew with another checkpoint" in str(refused.value)
    assert path.read_bytes() == saved


def test_other_weights_are_other_data(tmp_path: Path) -> None:
    train(tmp_path / "c", sample_weight=np.ones(20))
    with pytest.raises(CheckpointError, match="its training data is not this one's"):
        train(tmp_path / "c", sample_weight=WEIGHTS, resume=True)


def test_a_change_in_any_row_is_seen_however_many_are_looked_at_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "ROWS_AT_ONCE", 8)
    train(tmp_path / "c")
    for row in (0, 7, 8, 19):
        other = X.copy()
        other[row, 2] += 1
        with pytest.raises(CheckpointError, match="its training data is not this one's"):
            train(tmp_path / "c", X=other, resume=True)
    monkeypatch.setattr(checkpoints, "ROWS_AT_ONCE", 3)
    train(tmp_path / "c", resume=True)  # the digest does not depend on it


def test_what_may_differ(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(saved)
    train(path, resume=True, callbacks=[bl.Callback()], epochs=3, engine="auto")
    path.write_bytes(saved)
    train(path, resume=True, optimizer=bl.optimizers.Adam(), early_stopping=bl.EarlyStopping(5), X=X.tolist())


def refused(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    network = bl.Network([3, 4, 2], activation="tanh", output="softmax", dropout=0.1, seed=1)
    before = network.parameters.copy()
    with pytest.raises(CheckpointError) as caught:
        bl.train(
            network, X, Y, batch_size=5, epochs=2, progress=False, validation=(V, V_Y), checkpoint=path,
            early_stopping=5, resume=True,
        )  # fmt: skip
    np.testing.assert_array_equal(network.parameters, before)
    assert path.read_bytes() == content
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_truncated_file_is_refused(saved: bytes, tmp_path: Path) -> None:
    for length in (0, 1, 7, 8, 9, 100, len(saved) // 2, len(saved) - 1):
        refused(saved[:length], tmp_path / "c")
    refused(saved + b"\0", tmp_path / "c")


def test_files_of_other_kinds_are_refused(saved: bytes, tmp_path: Path) -> None:
    assert "is not a safetensors file" in refused(b"epoch,cost\n1,0.5\n", tmp_path / "c")
    bl.save(bl.Network([3, 4, 2]), tmp_path / "model")
    assert "holds a model, not a training checkpoint" in refused((tmp_path / "model").read_bytes(), tmp_path / "c")


def test_a_single_wrong_bit_is_found_wherever_it_is(saved: bytes, tmp_path: Path) -> None:
    """Also in the numbers, which nothing but the digest holds to what they were."""
    draw = random.Random(0)
    for place in [*(draw.randrange(len(saved)) for _ in range(150)), len(saved) - 1, len(saved) - 400]:
        content = bytearray(saved)
        content[place] ^= 1 << draw.randrange(8)
        refused(bytes(content), tmp_path / "c")


def test_steps_that_are_not_those_of_the_epochs_are_refused(saved: bytes, tmp_path: Path) -> None:
    from backlit.formats import container

    path = tmp_path / "c"
    path.write_bytes(saved)
    held = container.read(path, ["checkpoint"])
    for change in ({"step": 12}, {"step": -1}, {"epoch_start": 4}, {"step": 3}, {"history": []}, {"step": 8.0}):
        document = {**held.document, **change}
        assert "damaged" in refused(container.pack(held.tensors, document, "checkpoint"), path)
