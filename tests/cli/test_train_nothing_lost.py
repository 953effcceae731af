"""Checkpoints from the command line: how often, how many, what is said when a disk fails, and how a signal ends it."""

import errno
import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

import backlit as bl
from backlit.engines.reference import ReferenceSession
from backlit.formats import container
from backlit.formats.lock import Lock

TRAIN = "train digits --layers 20 --optimizer adam --engine reference --seed 4"  # 34 steps an epoch


def steps(here):
    return {p.name: container.read(p, ["checkpoint"]).document["step"] for p in sorted(here.glob("c*"))}


def damage(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ("", {"c": 102}),  # in three quick epochs ten seconds never pass
        ("--checkpoint-every 1", {"c": 102, "c.1": 68}),
        ("--checkpoint-every 1 --keep 3", {"c": 102, "c.1": 68, "c.2": 34}),
        ("--checkpoint-every 2 --keep 1", {"c": 102}),
        ("--checkpoint-every 2 --keep 9", {"c": 102, "c.1": 68}),
        ("--checkpoint-every 1000s", {"c": 102}),
    ],
)
def test_how_often_and_how_many(options, left, run, here):
    assert run(f"{TRAIN} --epochs 3 --checkpoint c {options}").code == 0
    assert steps(here) == left


def test_seconds_may_be_a_part_of_one(run, here):
    run(f"{TRAIN} --epochs 3 --checkpoint c --checkpoint-every 0.0s --keep 4")
    assert list(steps(here)) == ["c", "c.1", "c.2", "c.3"]


@pytest.mark.parametrize("every", ["0", "-1", "5m", "ten", "1.5", "s", ""])
def test_an_interval_that_is_none(every, run, here):
    result = run(*f"{TRAIN} --checkpoint c".split(), "--checkpoint-every", every)
    assert result.code == 2
    assert result.err == f"backlit: --checkpoint-every takes epochs, as 5, or seconds, as 30s, not '{every}'\n"
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(("keep", "says"), [("0", "--keep must be a whole number above 0"), ("101", "1 to 100")])
def test_a_number_of_files_that_is_none(keep, says, run, here):
    result = run(f"{TRAIN} --checkpoint c --keep {keep}")
    assert result.code == 2
    assert says in result.err
    assert list(here.iterdir()) == []


def test_a_damaged_checkpoint_falls_back_says_so_in_one_line_and_the_model_is_the_same(run, here):
    run(f"{TRAIN} --epochs 4 --out whole")
    run(f"{TRAIN} --epochs 2 --out part --checkpoint c --checkpoint-every 1")
    damage(here / "c")
    result = run(f"{TRAIN} --epochs 4 --out resumed --checkpoint c --resume")
    assert result.code == 0
    assert result.err == (
        "backlit: c is damaged: its digest is not that of its bytes; going on from the one before it, c.1, of step 34\n"
    )
    assert (here / "resumed").read_bytes() == (here / "whole").read_bytes()


def test_a_full_disk_is_said_in_one_line_and_the_training_is_done(run, here, monkeypatch):
    fsync, count = os.fsync, []

    def full(handle):
        count.append(handle)
        if 2 < len(count) <= 4:  # the file and the folder of the first checkpoint come first
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    result = run(f"{TRAIN} --epochs 5 --checkpoint c --checkpoint-every 1 --json")
    assert result.code == 0
    assert result.err == (
        "backlit: c cannot be written: there is no space left on its disk; free some, or choose another folder "
        "(at step 68; the last one is of step 34); the training goes on, and tries again at the next interval\n"
    )
    assert len(result.json["history"]["cost"]) == 5
    assert steps(here) == {"c": 170, "c.1": 136}


def test_a_second_training_at_the_same_place_is_refused(run, here):
    lock = Lock(here / "c")
    lock.hold()
    for options in ("", "--resume", "--force"):
        result = run(f"{TRAIN} --epochs 2 --checkpoint c {options}")
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            f"backlit: c is being written by another training (process {os.getpid()}); wait for its end, or choose "
            "another name\n"
        )
    lock.release()
    assert list(here.iterdir()) == []


@pytest.fixture
def endless(here, as_a_process) -> Iterator["subprocess.Popen[str]"]:
    """A training that will not end by itself, after its first checkpoint."""
    command = f"{TRAIN} --epochs 1000000 --checkpoint c --checkpoint-every 1 --keep 2".split()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its children ignore Ctrl-C
    with subprocess.Popen(
        [*as_a_process, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        signal.signal(signal.SIGINT, before)
        while not (here / "c.1").exists():
            assert child.poll() is None, child.communicate()[1]
        yield child
        child.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_a_checkpoint_a_model_and_its_own_exit_code(number, code, endless, here):
    endless.send_signal(number)
    _, err = endless.communicate(timeout=60)
    assert endless.returncode == code
    found = re.fullmatch(
        r"backlit: interrupted in epoch (\d+); the network is as it was after epoch (\d+), and saved; the same command "
        r"with --resume goes on from c\n",
        err,
    )
    assert found, err
    assert bl.load_model("digits.safetensors").provenance["epochs"] == int(found[2])
    assert int(found[2]) - 1 <= steps(here)["c"] / 34 <= int(found[1])
    assert sorted(p.name for p in here.iterdir()) == ["c", "c.1", "digits.safetensors"]


def test_a_second_signal_ends_it_at_once_without_a_model(run, here, monkeypatch):
    original = ReferenceSession.run

    def pressed_twice(self, *arguments, **options):
        report = original(self, *arguments, **options)
        if self.step > 80:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return report

    monkeypatch.setattr(ReferenceSession, "run", pressed_twice)
    result = run(f"{TRAIN} --epochs 9 --checkpoint c --checkpoint-every 1")
    assert (result.code, result.out) == (130, "")
    assert result.err.startswith("backlit: interrupted in epoch ")
    assert sorted(p.name for p in here.iterdir()) == ["c", "c.1"]
