"""What is printed and where: results on stdout, messages on stderr, columns that fit, JSON that parses."""

import io
import json
import math
import sys

import pytest

from backlit.cli import output


def test_messages_go_to_stderr(capsys):
    output.say("half way")
    assert capsys.readouterr() == ("", "half way\n")


def test_without_stderr_nothing_is_said_on_stdout(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    output.say("half way")
    assert capsys.readouterr().out == ""


def test_print_json_gives_one_document_with_null_for_what_is_not_finite(capsys):
    output.print_json({"scores": {"a": math.nan, "b": [1.5, math.inf, -math.inf], "c": None, "λ": (1, True)}})
    text = capsys.readouterr().out
    assert "NaN" not in text
    assert "λ" in text
    assert json.loads(text) == {"scores": {"a": None, "b": [1.5, None, None], "c": None, "λ": [1, True]}}


def test_print_json_in_ascii_where_stdout_has_no_more(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    output.print_json({"λ": "δ"})
    stream.flush()
    assert json.loads(stream.buffer.getvalue().decode("ascii")) == {"λ": "δ"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.97499, "97.50 %"),
        ("accuracy", 1.0, "100.00 %"),
        ("exact_match", 0.5, "50.00 %"),
        ("log_loss", 0.123456, "0.1235"),
        ("rmse", 54321.0, "5.432e+04"),
        ("r2", -0.5, "-0.5"),
    ],
)
def test_number(name, value, text):
    assert output.number(name, value) == text


def test_scores_in_words():
    scores = {"r2": 0.5, "rmse": 2.0, "mae": 1.0}
    assert output.scores_in_words(scores) == "R² 0.5, RMSE 2, MAE 1"
    assert (
        output.scores_in_words({"exact_match": 0.5, "label_accuracy": 0.75})
        == "all labels right 50.00 %, labels right 75.00 %"
    )
    assert output.scores_in_words({"of_their_own": 3.0}) == "of_their_own 3"


def test_columns_fit_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = output.columns([("a", "one two three four five six seven eight nine ten"), ("long word", "x")])
    assert text.splitlines() == [
        "a          one two three four five six",
        "           seven eight nine ten",
        "long word  x",
    ]


def test_columns_of_a_terminal_that_is_too_narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "5")
    assert max(map(len, output.columns([("word", "x " * 40)]).splitlines())) == 6 + output.NARROWEST - 1


def test_columns_of_nothing():
    assert output.columns([]) == ""
    assert output.columns([("empty", "")]) == "empty"


SCORES = {"validation": {"accuracy": 0.5, "log_loss": 0.25}, "test": {"accuracy": 0.75, "mae": 3.0}}


def test_scores_table():
    text = output.scores_table(SCORES, {"validation": 1200, "test": 7}, {"test": "chose nothing"})
    assert text.splitlines() == [
        "             rows  accuracy  log loss  MAE",
        "validation  1,200   50.00 %      0.25    -",
        "test            7   75.00 %         -    3  chose nothing",
    ]


def test_scores_in_words_where_a_table_does_not_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "45")
    text = output.scores_table(SCORES, {"validation": 1200, "test": 7}, {"test": "chose nothing"})
    assert text.splitlines() == [
        "validation  accuracy 50.00 %, log loss 0.25",
        "            (1,200 rows)",
        "test        accuracy 75.00 %, MAE 3 (7 rows,",
        "            chose nothing)",
    ]


def test_table():
    assert output.table([("a", "long", "b"), ("12", "3", "cc")], left=[2]).splitlines() == [
        " a  long  b",
        "12     3  cc",
    ]


def test_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "123")
    assert output.width() == 123


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with λ and ½", "plain, with λ and ½"),
        ("a\nb\r\nc\td", "a b c d"),
        ("\x1b[2J\x07\x00\x7f\x9b", "?[2J????"),
    ],
)
def test_printable(text, shown):
    assert output.printable(text) == shown
