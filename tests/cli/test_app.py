"""The commands together: help, exit codes, errors, pipes, terminals, Ctrl-C, and what is imported for them."""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time

import pytest
import typer

import backlit as bl
from backlit import activations, costs, engines, initializers, optimizers
from backlit.cli import app
from backlit.data.bundled import TARGETS
from backlit.data.encoding import TASKS
from backlit.network import DTYPES
from backlit.optimizers import schedules

COMMANDS = ["train", "evaluate", "predict", "inspect", "trace", "info"]


def examples():
    return [line for command in app.COMMANDS.values() for line in command.EXAMPLES.strip().splitlines()]


def test_no_command_shows_what_there_is(run):
    result = run()
    assert (result.code, result.err) == (0, "")
    assert all(re.search(rf"^  {command} ", result.out, re.M) for command in COMMANDS)
    assert "backlit train digits" in result.out


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command, flag, run):
    result = run(f"{command} {flag}")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: backlit {command} ")
    assert f"Examples:\n    backlit {command}" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("example", examples())
def test_the_examples_are_command_lines(example):
    name, command, *arguments = shlex.split(example.partition("|")[0])
    assert name == "backlit"
    group = typer.main.get_command(app.app)
    group.commands[command].make_context(command, arguments)  # raises where an option or an argument is none


def test_the_help_of_train_names_every_choice(run):
    shown = re.sub(r"-\s+", "-", run("train --help").out)
    choices = {
        *activations.ACTIVATIONS, *costs.COSTS, *initializers.INITIALIZERS, *optimizers.OPTIMIZERS,
        *schedules.SCHEDULES, *TASKS, *DTYPES, *TARGETS, "auto", "balanced",
    }  # fmt: skip
    assert [choice for choice in sorted(choices) if not re.search(rf"\b{choice}\b", shown)] == []


@pytest.mark.parametrize(
    ("table", "option"),
    [
        (activations.ACTIVATIONS, "activation"), (costs.COSTS, "cost"), (initializers.INITIALIZERS, "initializer"),
        (optimizers.OPTIMIZERS, "optimizer"), (schedules.SCHEDULES, "schedule"), (TARGETS, "SOURCE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_added_to_a_table_is_in_the_help(table, option, run, monkeypatch):
    assert "brand-new" not in run("train --help").out
    monkeypatch.setitem(table, "brand-new", next(iter(table.values())))
    shown = re.sub(r"-\s+", "-", run("train --help").out)
    assert re.search(rf"^ +(--)?{option} (?:(?!\n +--)[^[])*?(, | or )brand-new\b", shown, re.M), shown


def test_the_help_stands_under_headings(run):
    headings = re.findall(r"^(\w+):$", run("train --help").out, re.M)
    assert headings == ["Arguments", "Data", "Tables", "Network", "Training", "Results", "Options"]


def test_version(run):
    assert run("--version").out == f"backlit {bl.__version__}\n"


# --- errors


def failing_with(monkeypatch, failure):
    def gather():
        raise failure

    monkeypatch.setattr("backlit.cli.info.gather", gather)


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (bl.DataError("rows differ"), 2, "backlit: rows differ\n"),
        (bl.DataError("two\nlines of \x1b[31mred"), 2, "backlit: two lines of ?[31mred\n"),
        (bl.OptionError("raise the batch_size=10"), 2, "backlit: raise the --batch-size 10\n"),
        (bl.OutputPathError("x exists"), 2, "backlit: x exists\n"),
        (KeyboardInterrupt(), 130, "backlit: interrupted\n"),
        (bl.TrainingInterrupted("interrupted in epoch 3"), 130, "backlit: interrupted in epoch 3\n"),
        (typer.Abort(), 130, "backlit: interrupted\n"),
        (MemoryError(), 2, "backlit: there is not enough memory for this; take smaller layers, or less data\n"),
    ],
)
def test_errors_become_a_line_and_an_exit_code(failure, code, line, run, monkeypatch):
    failing_with(monkeypatch, failure)
    result = run("info")
    assert (result.code, result.out, result.err) == (code, "", line)


@pytest.mark.parametrize("failure", [KeyError("x"), FileNotFoundError(2, "No such file", "x")])
def test_a_mistake_of_ours_is_not_hidden(failure, run, monkeypatch):
    failing_with(monkeypatch, failure)
    with pytest.raises(type(failure)):
        run("info")


def test_a_command_may_leave_with_a_code_of_its_own(run, monkeypatch):
    failing_with(monkeypatch, typer.Exit(1))
    assert run("info").code == 1


# --- processes


@pytest.fixture(autouse=True)
def buffered(monkeypatch):
    """As it is where nobody asked for anything else: what is printed waits for the end."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def loaded_by(arguments, as_a_process, folder):
    program = f"""
import json, sys
from backlit.cli import main
try:
    main({arguments!r})
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    call = [*as_a_process[:2], program]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, check=True, encoding="utf-8")
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


HEAVY = {"sklearn", "torch", "polars", "matplotlib", "plotext", "pandas", "scipy"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"], ["info"], ["tran"]])
def test_a_command_imports_only_what_it_uses(arguments, as_a_process, here):
    loaded = loaded_by(arguments, as_a_process, here)
    assert "backlit" in loaded
    assert loaded & HEAVY == set()
    if arguments not in (["info"], ["train", "--help"]):  # whose names come from the package's tables
        assert "numpy" not in loaded


def test_inspect_and_predict_import_neither_sklearn_nor_polars(digits, as_a_process, here):
    import numpy as np

    np.save(here / "X.npy", np.zeros((2, 64)))
    assert loaded_by(["inspect", str(digits)], as_a_process, here) & HEAVY == set()
    assert loaded_by(["predict", str(digits), "X.npy"], as_a_process, here) & (HEAVY - {"sklearn"}) == set()


def test_whoever_reads_may_leave(digits, as_a_process, here):
    call = [*as_a_process, "predict", str(digits), "digits"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here) as process:
        assert process.stdout.readline().startswith(b"row,predicted digit,")
        process.stdout.close()  # far more is to come than a pipe holds
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_whoever_should_read_may_have_left_before(digits, as_a_process, here):
    read, write = os.pipe()
    os.close(read)
    call = [*as_a_process, "inspect", str(digits)]  # so little that it waits in the buffer until the end
    done = subprocess.run(call, stdout=write, stderr=subprocess.PIPE, check=False, cwd=here)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_said(digits, as_a_process, here):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*as_a_process, "inspect", str(digits)], stdout=full, stderr=subprocess.PIPE, check=False, cwd=here
        )
    assert done.returncode == 2
    assert re.fullmatch(rb"backlit: stdout cannot be written: .*\n", done.stderr)


@pytest.mark.parametrize(("closing", "code"), [("2>&-", 0), (">&-", 0)])
def test_a_closed_stream_changes_nothing(closing, code, digits, as_a_process, here):
    command = shlex.join([*as_a_process, "evaluate", str(digits), "digits"])
    done = subprocess.run(["sh", "-c", f"{command} {closing}"], capture_output=True, text=True, check=False, cwd=here)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert ("accuracy" in done.stdout) is (closing == "2>&-")
    assert "what the model was trained on" not in done.stdout  # said on stderr, or not at all


def test_a_terminal_without_the_characters_gets_others(as_a_process, here):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for options in ([], ["--json"]):
        done = subprocess.run(
            [*as_a_process, "train", "iris", "--epochs", "3", *options],
            capture_output=True, text=True, env=environment, check=False, cwd=here,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    # "δ" of the objective, which JSON can write in ASCII
    assert "fused: δ = a - y" in json.loads(done.stdout)["objective"]


# --- terminals


class Terminal:
    """A command in a terminal of its own, 60 columns wide; what it writes there is gathered."""

    def __init__(self, call, folder, stdout=None, **environment):
        self.master, slave = pty.openpty()
        settings = {**os.environ, "COLUMNS": "60", "LINES": "24", "TERM": "xterm-256color", **environment}
        settings.pop("CI", None)
        self.process = subprocess.Popen(
            call, stdin=slave, stdout=slave if stdout is None else stdout, stderr=slave, cwd=folder, env=settings
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, pattern=None, seconds=60):
        """Reads until the pattern was written, or until the end."""
        end = time.monotonic() + seconds
        while pattern is None or not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            assert ready, f"nothing more within {seconds} s: {self.seen!r}"
            try:
                part = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                assert pattern is None, self.seen
                break
            self.seen += part
        return self.seen.decode()

    def finish(self):
        self.read_until()
        os.close(self.master)
        return self.process.wait()


def test_a_terminal_shows_what_is_trained_its_progress_and_the_curve(as_a_process, here):
    terminal = Terminal([*as_a_process, "train", "digits", "--epochs", "60"], here, NO_COLOR="1")
    assert terminal.finish() == 0
    shown = terminal.seen.decode()
    assert "digits: 1,797 rows × 64 columns, target 'digit', 10 classes\r\n" in shown
    assert "rows: 1,077 train, 360 choose the best epoch, 360 judge\r\n" in shown
    assert re.search(r"epoch +\d+/60", shown)
    assert shown.index("1,797 rows") < shown.index("epoch ") < shown.index("validation ") < shown.rindex("accuracy")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)  # no colour
    curve = shown[shown.rindex("cost") :]
    assert max(len(line) for line in curve.splitlines()) <= 60


@pytest.mark.parametrize("options", [["--quiet"], ["--quiet", "--json"]])
def test_quiet_says_the_result_alone(options, as_a_process, here):
    terminal = Terminal([*as_a_process, "train", "iris", "--epochs", "3", *options], here)
    assert terminal.finish() == 0
    shown = terminal.seen.decode().replace("\r\n", "\n")
    if "--json" in options:
        json.loads(shown)
    else:
        assert shown.startswith("trained ")
        assert "\x1b" not in shown


def test_ctrl_c_saves_what_the_last_epoch_gave(as_a_process, here, run):
    call = [*as_a_process, "train", "digits", "--epochs", "100000", "--checkpoint", "digits.checkpoint", "--json"]
    with open(here / "out.json", "wb") as out:
        terminal = Terminal(call, here, stdout=out, COLUMNS="120")
        terminal.read_until(rb"validation \d")  # the first epoch is over
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.finish() == 130
    last = terminal.seen.decode().splitlines()[-1]
    assert re.fullmatch(
        r"(\x1b\[[\d?]+[A-Za-z])*backlit: interrupted in epoch \d+; the network is as it was after epoch (\d+), and "
        r"saved; the same command with --resume goes on from digits\.checkpoint",
        last,
    ), last
    document = json.loads((here / "out.json").read_text("utf-8"))
    assert document["stopped"] == "interrupted"
    assert f"after epoch {document['epochs']}," in last
    assert document["epochs"] >= 1
    assert document["best_epoch"] is None  # what is saved is the last epoch's
    assert (
        run("evaluate", "digits.safetensors", "digits", "--json").json["scores"]["test"] == document["scores"]["test"]
    )
    assert not list(here.glob(".backlit-*"))


def test_ctrl_c_before_anything_is_trained(run, monkeypatch, here):
    def press(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("backlit.data.read", press)
    result = run("train digits")
    assert (result.code, result.out, result.err) == (130, "", "backlit: interrupted\n")
    assert list(here.iterdir()) == []


CTRL_C_WHILE_IMPORTING = """
import signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder())
from backlit.cli import main
sys.exit(main(["train", "iris"]))
"""


@pytest.mark.parametrize("name", ["backlit.cli.app", "typer", "backlit.cli.train", "numpy", "sklearn", "safetensors"])
def test_ctrl_c_while_the_command_is_still_loading(name, as_a_process, here):
    call = [*as_a_process[:2], CTRL_C_WHILE_IMPORTING.format(name=name)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=here, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "backlit: interrupted\n")
    assert list(here.iterdir()) == []


def test_the_script_is_installed():
    script = os.path.join(os.path.dirname(sys.executable), "backlit")
    if not os.path.exists(script):
        pytest.skip("the package is not installed with its script")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"backlit {bl.__version__}\n"


def test_every_engine_is_one_the_help_can_lead_to(run):
    assert all(name in run("info").out for name in engines.ENGINES)
