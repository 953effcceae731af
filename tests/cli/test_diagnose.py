"""``backlit diagnose``: rows judged, a prediction and a weight traced to their rows, files, JSON, exit codes."""

import json

import polars
import pytest


def test_rows_in_words_as_a_table_and_as_pictures(run, here):
    pytest.importorskip("matplotlib")
    result = run("diagnose digits --rows --folds 2 --seeds 1 --epochs 2 --top 3 --out rows.csv --sheet sheet.png")
    assert result.code == 0
    assert result.out.startswith("1,797 rows, classes; judged by 4 trainings in ")
    assert "1,797 rows in rows.csv, the most suspicious first" in result.err
    table = polars.read_csv(here / "rows.csv")
    assert table.columns[:5] == ["index", "score", "label", "prediction", "why"]
    assert len(table) == 1797
    assert (here / "sheet.png").stat().st_size > 10_000
    again = run("diagnose digits --rows --out rows.csv")
    assert again.code == 2
    assert "rows.csv exists; --force overwrites it" in again.err
    assert len(again.err.splitlines()) == 1


def test_json_is_one_document(run):
    result = run("diagnose iris --rows --folds 2 --seeds 1 --epochs 3 --top 4 --json")
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert (found["task"], found["rows"], found["trainings"], len(found["table"])) == ("classes", 150, 4, 4)
    assert found["table"][0]["label"] in ("setosa", "versicolor", "virginica")


def test_numbers_are_judged_in_their_own_units(run):
    found = run("diagnose diabetes --rows --folds 2 --seeds 1 --epochs 3 --json").json
    assert found["task"] == "numbers"
    assert found["suspicious"] is None
    assert found["not_judged"][0].startswith("rows never learnt or forgotten: the targets are numbers")
    assert 25 <= found["table"][0]["label"] <= 346


def test_what_pushed_a_prediction(run, here):
    result = run("diagnose iris --influence 120 --epochs 10 --learning-rate 0.01 --out influence.parquet")
    assert result.code == 0
    assert "row 120 is virginica: what 150 training rows did to it, over 10 snapshots" in result.out
    assert "label virginica" in result.out
    assert polars.read_parquet(here / "influence.parquet").columns == ["index", "influence", "label"]


def test_what_moved_a_weight(run):
    result = run("diagnose iris --weight 2,3,1 --epochs 3 --epoch 2 --optimizer sgd --layers 8 --json")
    assert result.code == 0
    found = json.loads(result.out)
    assert (found["weight"], found["epoch"]) == ("W²[3, 1]", 2)
    together = found["rows_together"] + found["penalty"] + found["decay"] + found["rounding"]
    assert together == pytest.approx(found["after"] - found["before"])
    assert len(found["table"]) == 10
    assert "b³[2] in epoch 1" in run("diagnose iris --weight 3,2 --epochs 1").out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("diagnose iris --rows --weight 2,0", "--rows, --influence, --weight, not 2 at once"),
        ("diagnose iris --learning-rate-range --more-data", "one of --learning-rate-range, --more-data, --rows"),
        ("diagnose iris --learning-rate-range --learning-rate 1", "leave --learning-rate out"),
        ("diagnose iris --learning-rate-range --optimizer lbfgs", "lbfgs has no learning rate to find"),
        ("diagnose iris --more-data --time 5s", "--time cannot be combined with --more-data"),
        ("diagnose iris --more-data --splits 2", "splits of --more-data must be a whole number, at least 3"),
        ("diagnose iris --more-data --task clases", "did you mean 'classes'"),
        ("diagnose diabetes --more-data --output softmax", "the target 'progression' is numbers, and softmax gives"),
        ("diagnose iris --splits 4", "--splits belongs to --more-data"),
        ("diagnose iris --out t.csv", "--out belongs to --rows, --influence and --weight"),
        ("diagnose iris --rows --plot t.png", "--plot draws no rows; --rows has --out and --sheet"),
        ("diagnose iris --rows --lens l", "--lens keeps the record that findings are read from; --rows has none"),
        ("diagnose iris iris", "a second argument is the rows that a saved model is judged on, and iris is no"),
        ("diagnose iris iris --rows", "--rows trains on one SOURCE; iris is one argument too many"),
        ("diagnose iris --plot t.gif", "its name must end in .png, .svg, .pdf"),
        ("diagnose iris --plot t.png --lens t.png", "--plot and --lens are one file"),
        ("diagnose iris --leave-out rows.txt", "--leave-out takes row numbers between commas"),
        ("diagnose iris --leave-out rows.csv", "rows.csv: there is no such file"),
        ("diagnose iris --leave-out 3,150", "--leave-out names row 150; there are 150, numbered from 0"),
        ("diagnose iris --layers 5,x", "--layers takes whole numbers above 0"),
        ("diagnose iris --rows --sheet s.png", "--sheet draws images, and the rows of iris are none"),
        ("diagnose digits --influence 3 --sheet s.png", "--sheet belongs to --rows"),
        ("diagnose iris --rows --out rows.txt", "its name must end in .csv or .parquet"),
        ("diagnose digits --rows --sheet sheet.gif", "its name must end in .png"),
        ("diagnose iris --rows --folds 1", "folds must be a whole number, at least 2"),
        ("diagnose iris --influence 150", "there is no row 150: there are 150, numbered from 0"),
        ("diagnose iris --weight 2", "--weight takes layer, neuron and input, as 2,4,17"),
        ("diagnose iris --weight 9,0,0", "there is no neuron 0 in layer 9"),
        ("diagnose iris --weight 2,0,0 --optimizer lbfgs", "lbfgs"),
        ("diagnose iris --rows --task clases", "did you mean 'classes'"),
        ("diagnose iris --influence x", "--influence must be a whole number, not 'x'"),
        ("diagnose irish --rows", "did you mean 'iris'"),
        ("diagnose iris --rows --out t.csv --sheet t.csv", "--out and --sheet are one file"),
    ],
)
def test_bad_input_is_one_line(run, line, words):
    result = run(line)
    assert result.code == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_help_has_examples(run):
    result = run("diagnose --help")
    assert "backlit diagnose digits --rows --out rows.csv --sheet sheet.png" in result.out
    assert "sgd, rmsprop, adam, adamw or lbfgs" in " ".join(result.out.split())
