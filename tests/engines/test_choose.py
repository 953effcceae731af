"""Which engine is taken, and what is said where none can be."""

import sys

import pytest

from backlit.engines import ENGINES, choose
from backlit.engines import choose as choose_module
from backlit.engines.reference import ReferenceEngine
from backlit.errors import OptionError
from backlit.network import Network

NET = Network([2, 1])


class Refusing(ReferenceEngine):
    name = "refusing"

    def unsupported(self, network, objective=None, optimizer=None):
        return "it is tired"


def test_auto_takes_the_first_that_can_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = Refusing(), ReferenceEngine()
    both = {first.name: first, last.name: last}
    monkeypatch.setattr(sys.modules["backlit.engines.choose"], "ENGINES", both)
    choice = choose("auto", NET)
    assert choice.engine is last
    assert choice.reason == "not refusing: it is tired; the fastest that supports all that is asked"

    del both[last.name]
    with pytest.raises(OptionError, match="no engine can do this: not refusing: it is tired"):
        choose("auto", NET)


def test_a_named_engine_is_taken_or_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose("reference", NET).engine is ENGINES["reference"]
    assert choose("reference", NET).reason == "asked for"
    monkeypatch.setitem(ENGINES, "refusing", Refusing())
    with pytest.raises(OptionError, match="engine 'refusing' cannot do this: it is tired; use engine 'auto'"):
        choose("refusing", NET)


def test_an_engine_of_ones_own_is_taken_unless_it_refuses() -> None:
    mine = ReferenceEngine()
    assert choose(mine, NET).engine is mine
    with pytest.raises(OptionError, match="it is tired"):
        choose(Refusing(), NET)


@pytest.mark.parametrize("wrong", ["refrence", "", None, [], 5])
def test_unknown_names_list_those_there_are(wrong: object) -> None:
    with pytest.raises(OptionError, match=r"One of: auto, .*reference"):
        choose(wrong, NET)
    if wrong == "refrence":
        with pytest.raises(OptionError, match="did you mean 'reference'"):
            choose(wrong, NET)


def test_the_reference_does_everything() -> None:
    assert choose_module("auto", NET).engine.unsupported(NET) is None
