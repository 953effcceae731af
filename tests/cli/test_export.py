"""``backlit export``: what it writes, what it says of it, and what it refuses before anything is written."""

import numpy as np
import pytest
from scipy.io import loadmat

import backlit as bl


def test_a_mat_file_and_what_it_is_without(digits, here, run):
    result = run("export", str(digits), "w.mat")
    assert (result.code, result.err) == (0, "")
    lines = " ".join(result.out.split())
    assert "written w.mat, mat, dtype float32" in lines
    assert "outputs differ from g([1 a] Θᵀ) in float64's by at most" in lines
    assert "without its encoding" in lines
    W = bl.load(digits).layer(2).W
    assert np.array_equal(loadmat(here / "w.mat")["Theta1"][:, 1:], W)


def test_json(digits, here, run):
    found = run("export", str(digits), "state.safetensors", "--format", "torch", "--json").json
    assert found["file"] == "state.safetensors"
    assert (found["format"], found["dtype"], found["model"]) == ("torch", "float32", str(digits))
    assert found["agreement"] is None or found["agreement"]["outputs"] < 1e-6
    assert [what.startswith("its encoding") for what in found["lost"]] == [True]


def test_onnx_is_compared_on_real_rows(digits, here, run):
    pytest.importorskip("onnx")
    found = run("export", str(digits), "digits.onnx", "--rows", "digits", "--json").json
    assert (found["opset"], found["lost"]) == (17, [])
    assert (found["agreement"]["rows"], found["agreement"]["data"]) == (1797, "real")
    assert found["agreement"]["outputs"] < 1e-6
    alone = run("export", str(digits), "net.onnx", "--rows", "digits", "--network-only", "--dtype", "float64", "--json")
    assert alone.json["dtype"] == "float64"
    assert alone.json["agreement"]["outputs"] < 1e-12


@pytest.fixture
def prices(here, run):
    """A model of a table whose target is none of the usual names, and the table without a target."""
    rng = np.random.default_rng(0)
    rooms = ["" if n > 9 else str(n) for n in rng.integers(0, 12, 80)]
    rows = [f"{x:.3f};{n};{x * len(n):.3f}" for x, n in zip(rng.normal(size=80), rooms, strict=True)]
    (here / "prices.csv").write_text("\n".join(["size;rooms;price", *rows]))
    (here / "new.csv").write_text("\n".join(["rooms;else;size", "3;x;0.5", ";y;1.5"]))
    assert run("train prices.csv --target price --epochs 2 --dtype float64 --activation tanh").code == 0
    return here / "prices.safetensors"


def test_the_rows_of_a_table_need_no_target_and_go_by_their_names(prices, run):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    for source, rows in (("prices.csv", 80), ("new.csv", 2)):
        found = run(f"export prices.safetensors p.onnx --rows {source} --json --force").json["agreement"]
        assert (found["rows"], found["data"]) == (rows, "real")
        assert found["outputs"] < 1e-12
    assert (
        "columns that the model does not know are ignored: 'else'"
        in run("export prices.safetensors p2.onnx --rows new.csv").err
    )
    encoded = run("export prices.safetensors n.onnx --rows new.csv --network-only --json").json["agreement"]
    assert (encoded["rows"], encoded["outputs"] < 1e-12) == (2, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("p.onnx --rows iris", "iris has 4 columns and the model takes 2: size, rooms"),
        ("p.onnx --rows none.csv", "none.csv"),
        ("p.onnx --rows empty.csv", "empty.csv"),
        ("p.onnx --rows new.csv --delimiter |", "new.csv"),
        ("p.mat --rows prices.csv", "rows to compare on are for onnx; mat is compared on random ones"),
    ],
)
def test_rows_that_cannot_be_compared_on_are_refused(options, words, prices, here, run):
    pytest.importorskip("onnx")
    (here / "empty.csv").write_text("rooms;size\n")
    result = run(f"export prices.safetensors {options}")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert words in result.err
    assert not (here / options.split()[0]).exists()


def test_a_network_alone_is_exported_too(here, run):
    bl.save(bl.Network([2, 3, 1]), here / "net.safetensors")
    assert run("export net.safetensors net.mat").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("w.pt", "a .pt file is a pickle, which can run anything that was put into it, and is neither read nor "
                 "written; name it .safetensors: safetensors.torch.load_file gives PyTorch its state dict"),
        ("w.foo", "its suffix '.foo' says no format; name it .onnx or .safetensors or .mat or .keras"),
        ("w.mat --format onxn", "format 'onxn' is not known; did you mean 'onnx'"),
        ("w.mat --dtype float16", "dtype must be float32 or float64"),
        ("taken.mat", "taken.mat exists; --force overwrites it"),
        ("no/w.mat", "its folder does not exist"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_nothing_is_written(arguments, words, digits, here, run):
    (here / "taken.mat").write_bytes(b"mine")
    result = run(*f"export {digits} {arguments}".split())
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["taken.mat"]
    assert (here / "taken.mat").read_bytes() == b"mine"


def test_the_model_is_not_overwritten_even_by_force(here, run):
    bl.save(bl.Network([2, 3, 1]), here / "net.safetensors")
    result = run("export net.safetensors net.safetensors --force")
    assert result.code == 2
    assert "is the file that is read as MODEL" in result.err


def test_force_overwrites(digits, here, run):
    (here / "w.mat").write_bytes(b"mine")
    assert run("export", str(digits), "w.mat", "--force").code == 0
    assert loadmat(here / "w.mat")["Theta2"].shape == (10, 31)
