"""Of a file that is written again and again the last few are kept, and at no instant is there none that is whole."""

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backlit.errors import OutputPathError
from backlit.formats import durable


def contents(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(path.parent.iterdir())}


def write(path: Path, number: int, keep: int) -> None:
    durable.write(path, f"version {number}".encode(), keep=keep)


@pytest.mark.parametrize("keep", [1, 2, 3, 5])
def test_the_last_so_many_are_kept_the_newest_under_the_name_itself(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "c"
    for number in range(1, 8):
        write(path, number, keep)
        ages = range(min(number, keep))
        assert contents(path) == {f"c.{age}" if age else "c": f"version {number - age}" for age in ages}
    assert list(durable.kept(path)) == list(range(keep))


def test_on_a_disk_without_second_names_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*paths: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    for number in range(1, 5):
        write(tmp_path / "c", number, 3)
    assert contents(tmp_path / "c") == {"c": "version 4", "c.1": "version 3", "c.2": "version 2"}


class KilledError(BaseException):
    pass


@pytest.mark.parametrize("keep", [2, 3, 4])
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_kill_between_any_two_calls_leaves_the_newest_whole_and_the_next_write_mends_it(
    keep: int, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that changes the folder is the last one made, in turn: nothing is cleaned up after it."""

    def no_links(*paths: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    real = {call: getattr(os, call) for call in ("link", "replace", "unlink")}
    for last in range(12):
        folder = tmp_path / f"{last}"
        folder.mkdir()
        path = folder / "c"
        for number in range(1, 5):
            write(path, number, keep)
        made = 0

        def counted(call: str) -> Any:
            def calling(*arguments: Any) -> Any:
                nonlocal made
                if made > last:  # noqa: B023  the process is gone: what it would do in a finally is not done
                    raise KilledError
                made += 1
                result = real[call](*arguments)
                if made > last:  # noqa: B023
                    raise KilledError
                return result

            return calling

        with monkeypatch.context() as dying:
            for call in real:
                dying.setattr(os, call, counted(call) if links or call != "link" else no_links)
            try:
                write(path, 5, keep)
                survived = True
            except KilledError:
                survived = False
        whole = [file.read_text() for file in durable.kept(path).values()]
        assert whole[0] == ("version 5" if survived or whole[0] == "version 5" else "version 4")
        assert whole == sorted(whole, reverse=True)
        assert len(set(whole)) >= min(keep, 2) - (keep == 2 and not links)  # one is on its way from name to name
        write(path, 6, keep)
        write(path, 7, keep)
        durable.clear_leftovers(path)
        after = contents(path)
        assert after["c"] == "version 7"
        assert after["c.1"] == "version 6"
        assert set(after) <= {"c", *(f"c.{age}" for age in range(1, keep))}
        if survived:
            return
    raise AssertionError("it was never done")


@pytest.mark.parametrize("call", ["fsync", "link", "replace"])
def test_a_failure_leaves_what_was_there(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    for number in (1, 2):
        write(path, number, 2)
    before = contents(path)

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, full)
        with pytest.raises(OutputPathError, match="there is no space left on its disk"):
            write(path, 3, 2)
    assert contents(path) == before


def test_the_order_of_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    for number in (1, 2):
        write(path, number, 3)
    calls: list[str] = []
    real = {call: getattr(os, call) for call in ("fsync", "link", "replace")}
    temporary = re.compile(r"\.backlit-\w+\.tmp")

    def fsync(handle: int) -> None:
        calls.append("fsync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "fsync file")
        real["fsync"](handle)

    def watched(call: str) -> Any:
        def calling(source: Any, target: Any) -> None:
            named = (temporary.sub("temporary", Path(name).name) for name in (source, target))
            calls.append(" ".join((call, *named)))
            real[call](source, target)

        return calling

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", watched("link"))
    monkeypatch.setattr(os, "replace", watched("replace"))
    write(path, 3, 3)
    assert calls == [
        "fsync file",  # the new one is whole on the disk before any name changes
        "link c temporary",
        "replace temporary c",  # and has the name before the one before it has its own: two are there at any time
        "replace c.1 c.2",
        "replace temporary c.1",
        "fsync folder",
    ]


def test_the_kernel_sees_the_same_order(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    path, log = tmp_path / "c", tmp_path.parent / f"{tmp_path.name}.strace"
    for number in (1, 2):
        write(path, number, 3)
    kinds = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,ftruncate"
    code = "import sys; from backlit.formats import durable; durable.write(sys.argv[1], b'version 3', keep=3)"
    command = [strace, "-f", "-y", "-e", f"trace={kinds}", "-o", str(log), sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    seen = []
    for line in log.read_text().splitlines():
        if str(tmp_path) not in line or "= -1" in line:  # what is looked for in vain changes nothing
            continue
        call = re.sub(r"(64|at2?)$", "", line.split("(")[0].split()[-1])
        places = re.findall(rf"[\"<]({re.escape(str(tmp_path))}[^\">]*)[\">]", line)
        names = ("folder" if Path(place) == tmp_path else Path(place).name for place in places)
        seen.append(" ".join((call, *(re.sub(r"\.backlit-\w+\.tmp", "temporary", name) for name in names))))
    assert [line for line in seen if not line.startswith("write")] == [
        "fsync temporary",
        "link c temporary",
        "rename temporary c",
        "rename c.1 c.2",
        "rename temporary c.1",
        "fsync folder",
    ]
    assert seen[0] == "write temporary"  # and nothing is written behind the first fsync
    assert not any(line.startswith("write") for line in seen[seen.index("fsync temporary") :])
    assert contents(path) == {"c": "version 3", "c.1": "version 2", "c.2": "version 1"}


def test_a_link_leads_to_the_files_and_those_kept_lie_beside_them(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "c")
    for number in (1, 2, 3):
        write(tmp_path / "link", number, 2)
    assert contents(tmp_path / "real" / "c") == {"c": "version 3", "c.1": "version 2"}
    assert [file.read_text() for file in durable.kept(tmp_path / "link").values()] == ["version 3", "version 2"]


def test_what_only_looks_like_one_is_not_kept(tmp_path: Path) -> None:
    for name in ("c", "c.2", "c.10", "c.0", "c.01", "c.x", "cc.1", "c.100", "d.1"):
        (tmp_path / name).write_text("")
    (tmp_path / "c.3").mkdir()
    assert list(durable.kept(tmp_path / "c")) == [0, 2, 10]
    assert durable.kept(tmp_path / "missing" / "c") == {}


def test_leftovers_of_this_file_alone_are_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: Any) -> None:
        raise KilledError

    with monkeypatch.context() as dying:
        dying.setattr(os, "replace", killed)
        dying.setattr(os, "unlink", killed)
        for name in ("mine", "yours"):
            with pytest.raises(KilledError):
                durable.write(tmp_path / name, b"half")
    assert len(list(tmp_path.iterdir())) == 2
    durable.clear_leftovers(tmp_path / "mine")
    (left,) = tmp_path.iterdir()
    durable.clear_leftovers(tmp_path / "yours")
    assert not left.exists()
