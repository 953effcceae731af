"""What a disk that fails costs: a warning. What a damaged checkpoint costs: the interval to the one before it."""

import errno
import os
import shutil
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import CheckpointError, CheckpointWarning, OutputPathError
from backlit.formats import container
from backlit.formats.lock import Lock
from backlit.training import checkpoints
from backlit.training.pace import Pace

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(int)
PER_EPOCH = 4


class KilledError(Exception):
    pass


class At(bl.Callback):
    """Does something once, when so many epochs are done."""

    def __init__(self, epoch: int, what: Callable[[], object]) -> None:
        self.epoch, self.what = epoch, what

    def on_epoch_end(self, run: bl.Run) -> None:
        if run.epoch == self.epoch:
            self.what()


def die() -> None:
    raise KilledError


def network() -> bl.Network:
    return bl.Network([3, 4, 2], activation="tanh", output="softmax", dropout=0.2, seed=1)


def train(net: bl.Network, *callbacks: bl.Callback, **options: Any) -> bl.Run:
    plain = {"batch_size": 5, "epochs": 6, "progress": False}
    return bl.train(net, X, Y, callbacks=list(callbacks), **{**plain, **options})


def every_epoch(path: Path, keep: int = 2, **options: Any) -> bl.Checkpoint:
    return bl.Checkpoint(path, every_seconds=None, every_epochs=1, keep=keep, **options)


def killed(path: Path, epoch: int, keep: int = 2, **options: Any) -> None:
    """Dies in the end of this epoch: the checkpoints of the ones before it are there."""
    with pytest.raises(KilledError):
        train(network(), At(epoch, die), checkpoint=every_epoch(path, keep), **options)


def uninterrupted() -> tuple[bl.Network, bl.Run]:
    net = network()
    return net, train(net)


def same(net: bl.Network, run: bl.Run) -> None:
    expected, whole = uninterrupted()
    np.testing.assert_array_equal(net.parameters, expected.parameters)
    assert run.history["cost"] == whole.history["cost"]


def steps(path: Path) -> dict[str, int]:
    """File → the step of the state in it."""
    files = [file for file in path.parent.iterdir() if not file.name.startswith(".")]
    return {file.name: container.read(file, ["checkpoint"]).document["step"] for file in sorted(files)}


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


# ---- The last k are kept


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_last_so_many_are_kept(keep: int, tmp_path: Path) -> None:
    killed(tmp_path / "c", epoch=5, keep=keep)
    assert steps(tmp_path / "c") == {f"c.{age}" if age else "c": PER_EPOCH * (4 - age) for age in range(keep)}
    train(network(), checkpoint=every_epoch(tmp_path / "c", keep), resume=True)
    assert steps(tmp_path / "c") == {f"c.{age}" if age else "c": PER_EPOCH * (6 - age) for age in range(keep)}


def test_fewer_kept_than_before_are_removed_and_more_are_gathered(tmp_path: Path) -> None:
    killed(tmp_path / "c", epoch=5, keep=4)
    with pytest.raises(KilledError):
        train(network(), At(6, die), checkpoint=every_epoch(tmp_path / "c", 2), resume=True)
    assert steps(tmp_path / "c") == {"c": 20, "c.1": 16}
    train(network(), checkpoint=every_epoch(tmp_path / "c", 4), resume=True, epochs=8)
    assert steps(tmp_path / "c") == {"c": 32, "c.1": 28, "c.2": 24, "c.3": 20}


def test_another_training_s_are_not_kept_among_this_one_s(tmp_path: Path) -> None:
    """Started anew with force, the old ones stay until the first new one is whole."""
    killed(tmp_path / "c", epoch=5, keep=3)
    with pytest.raises(KilledError):
        train(network(), At(1, die), checkpoint=every_epoch(tmp_path / "c", 3, force=True), seed=8)
    assert len(steps(tmp_path / "c")) == 3
    with pytest.raises(KilledError):
        train(network(), At(2, die), checkpoint=every_epoch(tmp_path / "c", 3, force=True), seed=8)
    assert steps(tmp_path / "c") == {"c": 4}


def test_what_is_no_checkpoint_is_never_replaced_by_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "c.1").write_text("my thesis")
    for options in ({}, {"force": True}):
        with pytest.raises(OutputPathError, match=r"c\.1 is no checkpoint, and would be replaced by one"):
            train(network(), checkpoint=every_epoch(tmp_path / "c", **options))
    train(network(), checkpoint=every_epoch(tmp_path / "c", keep=1))
    assert (tmp_path / "c.1").read_text() == "my thesis"


def test_older_ones_alone_are_not_replaced_unasked(tmp_path: Path) -> None:
    killed(tmp_path / "c", epoch=4)
    (tmp_path / "c").unlink()
    with pytest.raises(OutputPathError, match=r"c\.1 exists; resume goes on from it, force replaces it"):
        train(network(), checkpoint=tmp_path / "c")


# ---- A damaged newest


@pytest.mark.parametrize("how", ["a bit", "empty", "half", "missing"])
def test_a_damaged_newest_falls_back_to_the_one_before_it_and_says_so(how: str, tmp_path: Path) -> None:
    path = tmp_path / "c"
    killed(path, epoch=5, keep=3)
    match how:
        case "a bit":
            damage(path)
        case "empty":
            path.write_bytes(b"")
        case "half":
            path.write_bytes(path.read_bytes()[:-100])
        case "missing":
            path.unlink()
    net = network()
    with pytest.warns(CheckpointWarning) as warned:
        run = train(net, checkpoint=every_epoch(path, 3), resume=True)
    (warning,) = warned
    wrong = {"a bit": "damaged: its digest", "empty": "empty", "half": "damaged: its header", "missing": "missing"}[how]
    assert str(warning.message).startswith(f"{path} is {wrong}")
    assert str(warning.message).endswith(f"; going on from the one before it, {path}.1, of step 12")
    assert run.resumed_from_step == 12
    same(net, run)
    assert steps(path) == {"c": 24, "c.1": 20, "c.2": 16}


def test_the_good_one_it_went_on_from_is_kept_until_two_new_ones_are_there(tmp_path: Path) -> None:
    path = tmp_path / "c"
    killed(path, epoch=4)
    damage(path)
    with pytest.warns(CheckpointWarning), pytest.raises(KilledError):
        train(network(), At(4, die), checkpoint=every_epoch(path), resume=True)
    assert steps(path) == {"c": 12, "c.1": 8}  # the damaged one was replaced, not kept


def test_two_damaged_ones_fall_back_to_the_third(tmp_path: Path) -> None:
    path, net = tmp_path / "c", network()
    killed(path, epoch=5, keep=3)
    damage(path)
    damage(tmp_path / "c.1")
    with pytest.warns(CheckpointWarning, match=r"c\.2, of step 8"):
        run = train(net, checkpoint=every_epoch(path, 3), resume=True)
    same(net, run)


def test_where_all_are_damaged_the_newest_says_why_and_none_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "c"
    killed(path, epoch=5)
    for file in (path, tmp_path / "c.1"):
        damage(file)
    before = [file.read_bytes() for file in (path, tmp_path / "c.1")]
    with pytest.raises(CheckpointError, match=rf"{path} is damaged: its digest is not that of its bytes"):
        train(network(), checkpoint=every_epoch(path), resume=True)
    assert [file.read_bytes() for file in (path, tmp_path / "c.1")] == before


def test_one_of_another_training_is_not_fallen_back_from_nor_to(tmp_path: Path) -> None:
    path = tmp_path / "c"
    killed(path, epoch=5)
    with pytest.raises(CheckpointError, match="is of another training: seed was 0 there and is 3 here"):
        train(network(), checkpoint=every_epoch(path), resume=True, seed=3)
    killed(tmp_path / "other", epoch=3, seed=3)
    shutil.copy(path, tmp_path / "other.1")
    damage(tmp_path / "other")
    with pytest.raises(CheckpointError, match="other is damaged: its digest is not that of its bytes"):
        train(network(), checkpoint=every_epoch(tmp_path / "other"), resume=True, seed=3)


# ---- A disk that fails while it trains


def failing(number: int, calls: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    for name in calls:
        monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace", "link"])
def test_it_trains_on_warned_once_with_the_last_good_one_whole(
    number: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the end of the third epoch to the end of the fifth nothing can be written."""
    path, net, seen = tmp_path / "c", network(), {}
    broken = pytest.MonkeyPatch()

    def mend() -> None:
        broken.undo()
        seen.update(steps(path))

    begin, end = At(3, lambda: failing(number, (call,), broken)), At(6, mend)
    if (call, number) == ("link", errno.EACCES):
        pytest.skip("taken for a disk without second names")
    with pytest.warns(CheckpointWarning) as warned:
        run = train(net, begin, end, checkpoint=every_epoch(path))
    (warning,) = warned
    assert str(warning.message).startswith(f"{path} cannot be written: ")
    assert str(warning.message).endswith(
        "(at step 12; the last one is of step 8); the training goes on, and tries again at the next interval"
    )
    assert "\n" not in str(warning.message)
    assert seen == {"c": 8, "c.1": 4}
    assert steps(path) == {"c": 24, "c.1": 8}
    same(net, run)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c", "c.1"]


def test_another_reason_is_another_warning_and_the_end_has_one_of_its_own(tmp_path: Path) -> None:
    path, net = tmp_path / "c", network()
    broken = pytest.MonkeyPatch()
    full = At(2, lambda: failing(errno.ENOSPC, ("fsync",), broken))
    read_only = At(4, lambda: failing(errno.EROFS, ("fsync",), broken))
    with pytest.warns(CheckpointWarning) as warned:
        run = train(net, full, read_only, checkpoint=every_epoch(path))
    broken.undo()
    said = [str(warning.message) for warning in warned]
    assert [("no space" in line, "read-only" in line) for line in said] == [(True, False), (False, True), (False, True)]
    assert ["(at step 8;" in said[0], "(at step 16;" in said[1], "(at step 24;" in said[2]] == [True] * 3
    assert said[2].endswith("the last one is of step 4); the training is done")
    assert run.stopped == "all epochs done"
    same(net, run)
    assert steps(path) == {"c": 4}


def test_with_no_checkpoint_yet_it_says_that_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken, pytest.warns(CheckpointWarning, match="no checkpoint is there"):
        train(
            network(), At(1, lambda: failing(errno.ENOSPC, ("fsync",), broken)), checkpoint=every_epoch(tmp_path / "c")
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    """Moved away with the last good checkpoint in it; the one that comes back has it no more."""
    folder, moved, net = tmp_path / "folder", tmp_path / "moved", network()
    folder.mkdir()
    path = folder / "c"
    callbacks = At(3, lambda: folder.rename(moved)), At(5, folder.mkdir)
    with pytest.warns(CheckpointWarning, match="its folder does not exist; create it first") as warned:
        run = train(net, *callbacks, checkpoint=every_epoch(path))
    assert len(warned) == 1
    same(net, run)
    assert steps(moved / "c") == {"c": 8, "c.1": 4}
    assert steps(path) == {"c": 24, "c.1": 20}
    again = network()
    run = train(again, checkpoint=every_epoch(moved / "c"), resume=True)
    assert run.resumed_from_step == 8
    same(again, run)


def test_a_folder_that_vanishes_for_good(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    net = network()
    gone = At(2, lambda: shutil.rmtree(tmp_path / "folder"))
    with pytest.warns(CheckpointWarning) as warned:
        run = train(net, gone, checkpoint=every_epoch(tmp_path / "folder" / "c"))
    assert len(warned) == 2  # when it vanished, and at the end
    same(net, run)


def test_an_interrupt_says_that_its_checkpoint_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    def end() -> None:
        failing(errno.ENOSPC, ("fsync",), monkeypatch)
        signal.raise_signal(signal.SIGTERM)

    with pytest.warns(CheckpointWarning), pytest.raises(bl.TrainingInterrupted) as stopped:
        train(network(), At(3, end), checkpoint=every_epoch(tmp_path / "c"))
    assert str(stopped.value) == (
        f"interrupted in epoch 3; the network is as it was after epoch 3; {tmp_path / 'c'} cannot be written: there is "
        "no space left on its disk; free some, or choose another folder"
    )


REAL_DISK = textwrap.dedent("""
    import os, subprocess, sys, warnings
    import numpy as np
    import backlit as bl

    folder, trouble = sys.argv[1:]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", folder], check=True)
    filler = os.path.join(folder, "filler")

    def fill():
        with open(filler, "wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(1024))
            except OSError:
                pass

    def mount(*how):
        subprocess.run(how, check=True)

    def turn_read_only():
        mount("mount", "--bind", folder, folder)
        mount("mount", "-o", "remount,bind,ro", folder)

    class Trouble(bl.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:
                fill() if trouble == "full" else turn_read_only()
            if run.epoch == 6:
                os.unlink(filler) if trouble == "full" else mount("umount", folder)

    X = np.random.default_rng(0).normal(size=(40, 6))
    options = dict(epochs=8, batch_size=10, progress=False)
    make = lambda: bl.Network([6, 20, 1], seed=0)
    net, twin, again = make(), make(), make()
    place = bl.Checkpoint(os.path.join(folder, "c"), every_seconds=None, every_epochs=1, keep=3)

    class Read(bl.Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 6:  # in trouble: what is there is whole
                from backlit.formats import container
                for name in ("c", "c.1"):
                    print(container.read(os.path.join(folder, name), ["checkpoint"]).document["step"])
                print(sorted(name for name in os.listdir(folder) if name.endswith(".tmp")))

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        bl.train(net, X, X[:, 0], callbacks=[Trouble(), Read()], checkpoint=place, **options)
    bl.train(twin, X, X[:, 0], **options)
    print(len(said), said[0].message)
    print((net.parameters == twin.parameters).all())
    print(bl.train(again, X, X[:, 0], checkpoint=place, resume=True, **options).resumed_from_step)
""")


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_real_disk_that_is_full_or_turns_read_only(trouble: str, tmp_path: Path) -> None:
    """A little memory disk of its own, in a namespace that ends with the process."""
    unshare = shutil.which("unshare")
    probe = [unshare, "-m", "mount", "-t", "tmpfs", "none", str(tmp_path)] if unshare else ["false"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs unshare, and the right to mount")
    command = [*probe[:2], sys.executable, "-W", "error", "-c", REAL_DISK, str(tmp_path), trouble]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    *whole, warned, same_bits, resumed = done.stdout.splitlines()
    assert whole == ["8", "4", "[]"]
    reason = "there is no space left on its disk" if trouble == "full" else "its disk is read-only"
    assert warned.startswith(f"1 {tmp_path}/c cannot be written: {reason}")
    assert same_bits == "True"
    assert resumed == "32"


# ---- Two trainings at one place


def test_a_second_training_is_refused_while_the_first_is_at_work_and_nothing_is_mixed(tmp_path: Path) -> None:
    path, first, refusals = tmp_path / "c", network(), []

    def second() -> None:
        for options in ({"resume": True}, {"checkpoint": every_epoch(path, force=True), "seed": 5}):
            net = network()
            before = net.parameters.copy()
            with pytest.raises(OutputPathError, match="is being written by another training") as refused:
                train(net, **{"checkpoint": every_epoch(path), **options})
            np.testing.assert_array_equal(net.parameters, before)
            refusals.append(str(refused.value))

    run = train(first, At(3, second), checkpoint=every_epoch(path))
    assert refusals == 2 * [
        f"{path} is being written by another training (process {os.getpid()}); wait for its end, or choose another name"
    ]
    same(first, run)
    assert steps(path) == {"c": 24, "c.1": 20}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c", "c.1"]


def test_who_lost_the_place_with_its_folder_does_not_write_over_the_one_that_took_it(tmp_path: Path) -> None:
    folder, first, second = tmp_path / "folder", network(), network()
    folder.mkdir()

    def take_over() -> None:
        folder.rename(tmp_path / "elsewhere")
        folder.mkdir()
        with pytest.raises(KilledError):
            train(second, At(4, die), checkpoint=every_epoch(folder / "c"), seed=5)
        holder.hold()

    holder = Lock(folder / "c")
    with pytest.warns(CheckpointWarning, match="is being written by another training") as warned:
        run = train(first, At(3, take_over), checkpoint=every_epoch(folder / "c"))
    assert len(warned) == 2  # and again at the end
    holder.release()
    same(first, run)
    assert steps(folder / "c") == {"c": 12, "c.1": 8}  # the second one's
    assert steps(tmp_path / "elsewhere" / "c") == {"c": 8, "c.1": 4}


def test_one_that_was_first_and_has_ended_is_not_overwritten(tmp_path: Path) -> None:
    """Both found the place free; by the time the second has the lock, the first one's checkpoint is there."""
    from backlit.training import keeping

    hold = keeping.Lock.hold
    first_done: list[bool] = []

    def late(lock: Any) -> None:
        if not first_done:
            first_done.append(True)
            train(network(), checkpoint=every_epoch(tmp_path / "c"), seed=4)
        hold(lock)

    with pytest.MonkeyPatch.context() as racing:
        racing.setattr(keeping.Lock, "hold", late)
        with pytest.raises(OutputPathError, match="exists; resume goes on from it"):
            train(network(), checkpoint=every_epoch(tmp_path / "c"))
    assert steps(tmp_path / "c") == {"c": 24, "c.1": 20}


PROGRAM = textwrap.dedent("""
    import sys, numpy as np, backlit as bl

    class Tell(bl.Callback):
        def on_train_begin(self, run):
            print("begun", flush=True)
            if sys.argv[2] == "wait":
                sys.stdin.readline()

    X = np.random.default_rng(0).normal(size=(40, 6))
    net = bl.Network([6, 20, 1], seed=0)
    try:
        bl.train(net, X, X[:, 0], epochs=3, checkpoint=sys.argv[1], callbacks=[Tell()], resume=True)
    except bl.OutputPathError as refused:
        print(refused)
""")


def test_two_processes_and_one_that_was_killed(tmp_path: Path) -> None:
    def start(how: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "c"), how]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    first = start("wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    out, _ = start("go").communicate(timeout=60)
    assert out == (
        f"{tmp_path / 'c'} is being written by another training (process {first.pid}); wait for its end, or choose "
        "another name\n"
    )
    first.kill()
    first.communicate()
    out, _ = start("go").communicate(timeout=60)
    assert out == "begun\n"
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_killed_training_s_half_written_file_is_cleared_by_the_next(tmp_path: Path) -> None:
    def kill_in_the_write(*arguments: Any, **options: Any) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(os, "replace", kill_in_the_write)
        dying.setattr(os, "unlink", lambda path: None)
        with pytest.raises(KilledError):
            train(network(), checkpoint=every_epoch(tmp_path / "c"))
    assert list(tmp_path.glob(".backlit-*.tmp"))
    train(network(), checkpoint=every_epoch(tmp_path / "c"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c", "c.1"]


# ---- When


def test_failed_attempts_are_an_interval_apart_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, attempts = [0.0], []

    def full(*arguments: Any, **options: Any) -> None:
        attempts.append(clock[0])
        raise OutputPathError("no space")

    monkeypatch.setattr(checkpoints, "save", full)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Tick(bl.Callback):
        def on_progress(self, run: bl.Run) -> None:
            clock[0] += 1.0

    monkeypatch.setattr(Pace, "took", lambda self, steps, seconds: None)  # four steps a look
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        train(network(), Tick(), checkpoint=bl.Checkpoint(tmp_path / "c", every_seconds=5), batch_size=1, epochs=6)
    assert len(attempts) > 4
    assert min(np.diff(attempts[:-1])) >= 5


@pytest.mark.parametrize("keep", [0, -1, 2.0, True, "2", 101])
def test_a_keep_that_is_none_is_refused(keep: Any) -> None:
    with pytest.raises(bl.OptionError, match="keep of the checkpoint must be a whole number, 1 to 100, not"):
        bl.Checkpoint("c", keep=keep)
