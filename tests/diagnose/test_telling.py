"""Progress: in a terminal, or where it is asked for, and on stderr alone."""

import io
import sys

import pytest

from backlit.diagnose.telling import at_work, counting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "show", "seen"), [
    (Terminal, None, True), (Terminal, False, False), (io.StringIO, None, False),
])  # fmt: skip
def test_a_bar_is_shown_to_those_who_see_it(monkeypatch, capsys, stream, show, seen):
    monkeypatch.setattr(sys, "stderr", stream())
    with counting("trying", 4, show) as told:
        told(1)
        told(3)
    assert ("trying" in sys.stderr.getvalue()) == seen
    assert ("4/4" in sys.stderr.getvalue()) == seen
    assert capsys.readouterr().out == ""


def test_that_work_goes_on_is_shown_likewise(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    for stream, show, seen in ((Terminal, None, True), (Terminal, False, False), (io.StringIO, None, False)):
        monkeypatch.setattr(sys, "stderr", stream())
        with at_work("judging", show):
            pass
        assert ("judging" in sys.stderr.getvalue()) == seen
    assert capsys.readouterr().out == ""


def test_where_stderr_is_closed_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with counting("trying", 4, None) as told, at_work("judging", None):
        told(4)
