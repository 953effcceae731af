"""The pages: what they lead to is there, and the README's sessions run again to the same findings."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}, which is not there"


@pytest.fixture(scope="module")
def writer():
    """The script that wrote the sessions."""
    path = ROOT / "benchmarks" / "readme_sessions.py"
    found = importlib.util.spec_from_file_location("readme_sessions", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def sessions_of_the_readme(writer):
    """Title → [(command, what it said), …], as they stand on the page."""
    page = (ROOT / "README.md").read_text("utf-8")
    written = page.partition(writer.BEGIN)[2].partition(writer.END)[0]
    found = {}
    for title, block in re.findall(r"\*\*(.+?)\*\*\n\n.+?```\n(.+?)```", written, flags=re.S):
        parts = re.split(r"^\$ ", block, flags=re.M)[1:]
        found[title] = [tuple(part.rstrip("\n").split("\n", 1)) for part in parts]
    return found


def rules(said):
    return re.findall(r"^\d+\. ([a-z-]+): ", said, flags=re.M)


def accuracy(said, part):
    return float(re.search(rf"^{part} +[\d,]+ +([\d.]+) %", said, flags=re.M)[1])


def run_again(writer, title, folder, monkeypatch):
    """The session as it runs now, beside the page."""
    monkeypatch.setenv("COLUMNS", "100")
    [session] = [one for one in writer.SESSIONS if one.title == title]
    now, page = writer.captured(session, folder), sessions_of_the_readme(writer)[title]
    assert [command for command, _ in now] == [command for command, _ in page]
    for (_, ours), (_, theirs) in zip(now, page, strict=True):
        found = rules(theirs)
        assert rules(ours)[: len(found)] == found
        proposed = [line for line in theirs.splitlines() if line.startswith("   $ ")]
        assert all(line in ours for line in proposed)
    return [said for _, said in now]


def test_the_readme_has_all_sessions_and_says_how_they_came(writer):
    assert list(sessions_of_the_readme(writer)) == [session.title for session in writer.SESSIONS]
    for commands in sessions_of_the_readme(writer).values():
        assert all(shlex.split(command)[0] == "backlit" and said for command, said in commands)


@pytest.mark.parametrize("title", ["A stack of sigmoids", "Dead neurons, after too high a learning rate"])
def test_a_network_that_does_not_learn_learns_after_the_flag(writer, title, tmp_path, monkeypatch):
    sick, healed = run_again(writer, title, tmp_path, monkeypatch)
    assert float(re.search(r"validation ([\d.]+)\s+%", sick)[1]) < 50
    assert accuracy(healed, "test") > 90  # of 96 to 98, over seeds and instruction sets


@pytest.mark.slow
def test_wrong_labels_are_found_and_left_out(writer, tmp_path, monkeypatch):
    writer.make_noisy(tmp_path)
    before, judged, _, ranked, after, judged_after = run_again(writer, "Wrong labels", tmp_path, monkeypatch)
    suspicious = int(re.search(r"suspicious +(\d+) labels", ranked)[1])
    assert 50 <= suspicious <= 75  # of 65
    log_loss = [float(re.search(r"^all +500 .* %\s+([\d.]+)", said, flags=re.M)[1]) for said in (judged, judged_after)]
    assert log_loss[1] < 0.9 * log_loss[0]  # 0.61 to 0.68 of it over three seeds
    assert accuracy(judged_after, "all") >= accuracy(judged, "all") - 0.5
    assert accuracy(before, "test") > 80
    assert accuracy(after, "test") > 80
