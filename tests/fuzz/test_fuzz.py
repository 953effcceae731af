"""Spoilt files: each loads, the same again when it is read again, or is refused with a BacklitError.

No crash, no second of work on a few kilobytes, and no more memory than the bytes of the file can stand for: packed by
zlib at its very best, 1032 times its size, and what reading takes besides.

What has a sum of its bytes (the model file) loads as it was written or not at all. The others have none: a number that
was changed to another number is that number, and what is tested is that every one is finite, of a shape that fits, and
the same when the file is read again.
"""

import importlib.util
import resource
import signal
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from backlit.errors import BacklitError
from backlit.formats.extras import version_of

spec = importlib.util.spec_from_file_location("readers", Path(__file__).with_name("readers.py"))
assert spec is not None
assert spec.loader is not None
readers = importlib.util.module_from_spec(spec)
sys.modules["readers"] = readers
spec.loader.exec_module(readers)

needs_onnx = pytest.mark.skipif(version_of("onnx") is None, reason="onnx is not installed")
NAMES = [pytest.param(name, marks=needs_onnx) if name.startswith("onnx") else name for name in readers.READERS]

FILES, FEW = 100_000, 60
"""In the slow test, of all readers together; and of each in the fast one."""

LARGEST_RATIO, BESIDES = 1032, 24 * 2**20
"""Bytes of memory that a byte of a file may stand for, and that any file may take: tables come in blocks of 8 MiB."""
MOST_SECONDS = 1.0
"""Of the processor, not of the clock: the machine may be busy."""


class Hang(BaseException):
    """Not an Exception: a reader that catches those must not catch this."""


@pytest.fixture
def watched():
    """Raises Hang after a second of the processor's time."""

    def over(number, frame):
        raise Hang

    before = signal.signal(signal.SIGVTALRM, over)
    yield lambda: signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.fixture
def traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


def outcome(reader, path):
    """What is read, or the refusal."""
    try:
        return "loaded", reader.read(path)
    except BacklitError as refusal:
        said = str(refusal)
    assert "\n" not in said, said
    return "refused", said


def try_files(reader, files, folder, watch, seed):
    """Counts of what came of them; the last file stays where it is if anything goes wrong."""
    for name, content in readers.BESIDE.items() if reader.name.startswith("idx") else ():
        (folder / name).write_bytes(content)
    path = folder / reader.file
    good = [path.write_bytes(content) and reader.read(path) for content in reader.seeds] if reader.sealed else []
    rng = np.random.default_rng(seed)
    counts = {"loaded": 0, "refused": 0}
    for number in range(files):
        content = readers.spoilt(reader, rng)
        path.write_bytes(content)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        watch()
        try:
            what, found = outcome(reader, path)
        except Hang:
            pytest.fail(f"{reader.name}: file {number} of seed {seed} took over {MOST_SECONDS} s; it is {path}")
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        taken = tracemalloc.get_traced_memory()[1] - before
        assert taken < LARGEST_RATIO * len(content) + BESIDES, f"{reader.name}: file {number} took {taken:,} bytes"
        counts[what] += 1
        if what == "loaded":
            assert outcome(reader, path) == (what, found), f"{reader.name}: file {number} reads differently again"
            if reader.sealed:
                assert found in good, f"{reader.name}: file {number} loads as something else"
    return counts


@pytest.mark.parametrize("name", NAMES)
def test_spoilt_files_load_or_are_refused(name, tmp_path, watched, traced):
    counts = try_files(readers.READERS[name], FEW, tmp_path, watched, seed=1)
    assert counts["refused"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_good_files_load(name, tmp_path):
    reader = readers.READERS[name]
    for file, content in readers.BESIDE.items() if reader.name.startswith("idx") else ():
        (tmp_path / file).write_bytes(content)
    for content in reader.seeds:
        whole = reader.within(content, lambda same: same) if reader.within else content
        (tmp_path / reader.file).write_bytes(whole)
        assert outcome(reader, tmp_path / reader.file)[0] == "loaded"


@pytest.mark.slow
def test_a_hundred_thousand_spoilt_files(tmp_path, watched, traced):
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = {}
    readable = {name: reader for name, reader in readers.READERS.items() if reader.seeds}
    for name, reader in readable.items():
        folder = tmp_path / name
        folder.mkdir()
        done[name] = try_files(reader, -(-FILES // len(readable)), folder, watched, seed=2)
        print(name, done[name])
    assert sum(sum(counts.values()) for counts in done.values()) >= FILES
    assert all(counts["loaded"] and counts["refused"] for counts in done.values()), done
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - largest
    assert grown < 512 * 1024, f"{grown:,} KiB more at the peak"  # what tracemalloc does not see: polars, protobuf


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_spoilt_by_atheris(name, tmp_path):
    """By coverage, not by chance: atheris keeps what reaches new lines."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    import subprocess

    harness = Path(__file__).with_name("with_atheris.py")
    done = subprocess.run(
        [sys.executable, harness, name, str(tmp_path), "-runs=5000", "-timeout=10", "-rss_limit_mb=2048", "-seed=1"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 5000 runs" in done.stderr


def test_a_reader_that_fails_would_be_seen(tmp_path, watched, traced):
    bad = readers.Reader("bad", "x", lambda path: 1 / 0 if path.read_bytes() != b"good" else 1, (b"good",))
    with pytest.raises(ZeroDivisionError):
        try_files(bad, 50, tmp_path, watched, seed=1)

    def loop(path):
        content = path.read_bytes()
        while content != b"good":
            pass

    with pytest.raises(pytest.fail.Exception, match="took over"):
        try_files(readers.Reader("slow", "x", loop, (b"good",)), 50, tmp_path, watched, seed=1)
    greedy = readers.Reader("greedy", "x", lambda path: bytearray(2**25) and None, (b"good",))
    with pytest.raises(AssertionError, match="took"):
        try_files(greedy, 5, tmp_path, watched, seed=1)
    fickle = readers.Reader("fickle", "x", lambda path: object(), (b"good",))
    with pytest.raises(AssertionError, match="reads differently again"):
        try_files(fickle, 5, tmp_path, watched, seed=1)
    trusting = readers.Reader("trusting", "x", lambda path: path.read_bytes(), (b"good",), sealed=True)
    with pytest.raises(AssertionError, match="loads as something else"):
        try_files(trusting, 5, tmp_path, watched, seed=1)
