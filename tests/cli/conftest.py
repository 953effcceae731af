"""The command line in process, and a small model of the digits that it trained."""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backlit.cli import main

AS_A_PROCESS = [sys.executable, "-c", "import sys; from backlit.cli import main; sys.exit(main())"]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to be in, and lines of 80 characters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def run(here, capsys):
    """Runs a command line: ``run("train iris --epochs 2")``, or its arguments one by one."""

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments[0].split() if len(arguments) == 1 else list(arguments))
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def as_a_process() -> list[str]:
    """What to put before a command line to run it in a process of its own."""
    return AS_A_PROCESS


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A model of the digits: 15 epochs, one hidden layer of 30."""
    path = tmp_path_factory.mktemp("digits") / "digits.safetensors"
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["train", "digits", "--layers", "30", "--epochs", "15", "--out", str(path)]) == 0
    return path
