"""A library that is not installed is named in one line, with what installs it; and asked for only when it is needed."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import backlit as bl
from backlit import formats
from backlit.errors import OptionError
from backlit.formats import extras


@pytest.fixture
def without(monkeypatch):
    """Makes a library look as if it were not installed."""

    def hide(library: str) -> None:
        found = importlib.util.find_spec
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name == library else found(name))

    return hide


@pytest.mark.parametrize(
    ("library", "act"),
    [
        ("onnx", lambda folder: formats.export(bl.Network([2, 1]), folder / "x.onnx")),
        ("onnx", lambda folder: formats.import_model(folder / "there.onnx")),
        ("torch", lambda folder: bl.to_torch(bl.Network([2, 1]))),
        ("torch", lambda folder: bl.from_torch(None)),
        ("keras", lambda folder: formats.to_keras(bl.Network([2, 1]))),
        ("keras", lambda folder: formats.export(bl.Network([2, 1]), folder / "x.keras")),
    ],
)
def test_what_is_missing_is_named_with_what_installs_it(library, act, without, tmp_path):
    (tmp_path / "there.onnx").write_bytes(b"x")
    without(library)
    words = rf"needs {library}, which is not installed: pip install 'backlit\[{library}\]'"
    with pytest.raises(OptionError, match=words):
        act(tmp_path)
    assert not (tmp_path / "x.onnx").exists()
    assert not (tmp_path / "x.keras").exists()


def test_the_extras_are_those_of_the_package():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert {"onnx", "torch", "keras"} <= set(project["optional-dependencies"])


def test_files_that_need_no_extra_load_none():
    program = (
        "import sys, backlit as bl, tempfile, os\n"
        "f = os.path.join(tempfile.mkdtemp(), 'x.mat')\n"
        "bl.formats.export(bl.Network([2, 3, 1]), f); bl.formats.import_model(f)\n"
        "assert not {'torch', 'onnx', 'keras', 'onnxruntime'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_versions_of_what_is_not_there_are_none():
    assert extras.version_of("no-such-library-anywhere") is None
    assert extras.version_of("numpy") == np.__version__
