"""``--learning-rate-range`` and ``--more-data``: words, files, JSON, and that they are the library's own."""

import shlex

import numpy as np
import pytest

import backlit as bl
from backlit import data


def test_the_range_suggests_what_the_library_does_and_a_command_that_works(run, here):
    pytest.importorskip("matplotlib")
    done = run("diagnose digits --learning-rate-range --optimizer sgd --layers 20 --plot range.png --seed 2")
    assert done.code == 0, done.err
    assert "cost, smoothed" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert (here / "range.png").stat().st_size > 10_000
    document = run("diagnose digits --learning-rate-range --optimizer sgd --layers 20 --seed 2 --json").json
    read = data.read("digits")
    parts = data.split(read.y, validation=0.2, test=0.2, seed=2, stratify=True)
    net = bl.Network([64, 20, 10], output="softmax", seed=2)
    found = bl.find_learning_rate(net, read.X[parts.train] / 16, read.y[parts.train], optimizer="sgd", seed=2)
    assert document["suggestion"] == found.suggestion
    assert document["costs"] == found.costs.tolist()
    command = f"backlit train digits --layers 20 --optimizer sgd --seed 2 --learning-rate {found.suggestion:.2g}"
    assert document["command"] == command
    assert done.out.splitlines()[-1] == f"$ {command}"
    assert run(*shlex.split(command)[1:], "--json").json["scores"]["test"]["accuracy"] > 0.85


def test_quiet_says_the_suggestion_alone(run):
    done = run("diagnose iris --learning-rate-range --quiet")
    assert done.out.startswith("learning rate ")
    assert done.err == ""


def test_more_data_of_a_table_in_words_and_as_json(run, here):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    lines = ["size,colour,price"]
    for _ in range(400):
        size, colour = rng.normal(), rng.choice(["red", "green", "blue"])
        lines.append(f"{size:.3f},{colour},{2 * size + (colour == 'red') + 0.3 * rng.normal():.3f}")
    (here / "flats.csv").write_text("\n".join(lines))
    line = "diagnose flats.csv --target price --more-data --splits 3 --epochs 60 --layers 8"
    done = run(f"{line} --plot more.png")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split() == ["rows", "R²,", "training", "R²,", "test", "±"]
    assert "error, 1 - R², of n rows:" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert (here / "more.png").stat().st_size > 10_000
    document = run(f"{line} --json").json
    assert document["verdict"] in ("likely", "unlikely", "uncertain")
    assert document["amounts"][-1] == 320
    assert document["scores"][0][-1] > 0.6  # of 0.98: noise of 0.09 in 4.9, in little training
    assert run(f"{line} --quiet").out.count("rows to train on") == 1


def test_more_data_takes_the_options_of_the_training(run):
    few = run("diagnose iris --more-data --splits 3 --epochs 1 --layers 4 --optimizer sgd --learning-rate 1e-6 --json")
    more = run(
        "diagnose iris --more-data --splits 3 --epochs 20 --layers 4 --optimizer adam --learning-rate 0.02 --json"
    )
    assert np.mean(more.json["scores"]) > np.mean(few.json["scores"]) + 0.2
    too_few = run("diagnose iris --more-data --splits 3 --test 0.5")
    assert too_few.code == 2
    assert "75 training rows of 3 classes are too few" in too_few.err


def test_help_has_all_of_it(run):
    said = " ".join(run("diagnose --help").out.split())
    assert "What to diagnose, other than findings" in said
    assert "backlit diagnose digits --learning-rate-range --optimizer sgd --plot range.png" in said
    assert "backlit diagnose digits --more-data --plot more.png" in said
    assert "the exit code is 0 with them and without" in said
