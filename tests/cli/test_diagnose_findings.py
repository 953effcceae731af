"""Findings on the command line: of a training, a lens's folder, a model; what to type next; and that it helps."""

import json
import shlex
import subprocess

import numpy as np
import pytest

import backlit as bl
from backlit.cli.diagnose_findings import in_words, next_steps
from backlit.cli.recipe import Asked
from backlit.diagnose.findings import Diagnosis, Finding, NotJudged, Remedy, Where

DEAD = "--layers 16,16 --optimizer sgd --learning-rate 20 --epochs 12"


def commands(text):
    return [line.strip()[2:] for line in text.splitlines() if line.strip().startswith("$ ")]


def test_a_sick_training_is_diagnosed_and_what_it_says_to_type_helps(run, here):
    sick = run(f"diagnose digits {DEAD}")
    assert sick.code == 0, sick.err
    assert sick.out.startswith("trained  Network(64-16-16-10, relu, relu, softmax")
    rules = [line.split()[1].rstrip(":") for line in sick.out.splitlines() if line[:2] in ("1.", "2.", "3.")]
    assert {"learning-rate-too-high", "dead-units"} & set(rules)
    first = commands(sick.out)[0]
    assert first.startswith("backlit train digits --layers 16,16 --optimizer sgd --learning-rate")
    before = run(f"train digits {DEAD} --json --out before.safetensors").json
    after = run(*shlex.split(first)[1:], "--json", "--out", "after.safetensors").json
    assert before["scores"]["test"]["accuracy"] < 0.5
    assert after["scores"]["test"]["accuracy"] > 0.85
    assert not list(here.glob("digits*.safetensors"))  # diagnose saves no model


def test_nothing_found_is_said_and_is_no_error_either(run):
    found = run("diagnose digits --layers 30")
    assert found.code == 0
    assert "\nnothing found that keeps it from learning\n" in found.out
    assert "note        constant-features" in found.out
    assert "not judged  unscaled-targets: the targets are classes" in found.out


def test_json_is_one_document(run):
    found = run(f"diagnose digits {DEAD} --json")
    assert (found.code, found.err) == (0, "")
    document = found.json
    assert document["source"] == "digits"
    assert document["failure"] is None
    assert document["options"]["optimizer"]["learning_rate"] == 20
    first = document["findings"][0]
    assert first.keys() >= {"rule", "what", "where", "since", "equation", "why", "follows", "remedy", "commands"}
    assert first["commands"][0].startswith("backlit train digits")
    assert document["statistics"]["dead-units"]["share"] > 0.5
    assert {one["rule"] for one in document["not_judged"]} >= {"unscaled-targets"}


def test_a_training_that_diverges_is_an_answer(run):
    found = run("diagnose digits --output identity --cost quadratic --optimizer sgd --learning-rate 1e6")
    assert found.code == 0
    assert "training diverged in epoch 1, step 1" in found.out.replace("\n         ", " ")
    assert "learning-rate-too-high" in found.out
    found = run("diagnose digits --output identity --cost quadratic --optimizer sgd --learning-rate 1e6 --json")
    assert "training diverged" in found.json["failure"]


def test_rows_are_called_as_the_source_calls_them(run, here):
    """Labels made wrong in known rows of a file: the finding names them by their numbers there."""
    X, y = bl.data.load("digits")
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(y), 180, replace=False)
    y = y.copy()
    y[wrong] = (y[wrong] + rng.integers(1, 10, 180)) % 10
    np.savez(here / "noisy.npz", X=X, y=y)
    document = run("diagnose noisy.npz --json").json
    found = next(one for one in document["findings"] if one["rule"] == "label-noise")
    named = found["where"]["rows"]
    assert np.isin(named, wrong).mean() > 0.9
    assert found["commands"] == [
        "backlit diagnose noisy.npz --rows --out rows.csv", "backlit train noisy.npz --leave-out rows.csv",
    ]  # fmt: skip


def test_a_lens_folder_is_judged_as_it_is(run, here):
    trained = run(f"train digits {DEAD} --lens sick.lens")
    assert trained.code == 0
    assert "1. " in trained.out  # also after the training
    assert "$ backlit train digits --layers 16,16 --optimizer sgd --learning-rate" in trained.out
    found = run("diagnose sick.lens")
    assert found.code == 0
    assert "dead-units" in found.out
    assert "not judged" in found.out
    assert "there are no rows" in found.out
    assert "$ the same training with --learning-rate" in found.out
    assert run("diagnose sick.lens --json").json["findings"]
    pytest.importorskip("matplotlib")
    assert run("diagnose sick.lens --plot sick.png").code == 0
    assert (here / "sick.png").stat().st_size > 10_000
    again = run("diagnose sick.lens digits")
    assert (again.code, "is the folder of a lens, which is judged by itself" in again.err) == (2, True)
    (here / "sick.lens" / "about.json").write_text("{")
    damaged = run("diagnose sick.lens")
    assert (damaged.code, "sick.lens is damaged" in damaged.err, len(damaged.err.splitlines())) == (2, True, 1)


def test_a_saved_model_is_judged_on_rows(run, here):
    assert run(f"train digits {DEAD} --out sick.safetensors").code == 0
    found = run("diagnose sick.safetensors digits")
    assert found.code == 0
    assert "dead-units" in found.out
    assert "1,077 rows" in found.out  # those it was trained on, found again
    assert "no lens watched the training" in found.out.replace("\n            ", " ")
    missing = run("diagnose sick.safetensors")
    assert (missing.code, "say on which rows to judge sick.safetensors" in missing.err) == (2, True)
    other = run("diagnose sick.safetensors iris")
    assert (other.code, "iris has 4 columns and the model takes 64" in other.err) == (2, True)
    assert run("diagnose sick.safetensors digits --plot p.png").code == 2


def test_after_train_with_a_lens_the_findings_are_in_the_document(run):
    document = run("train iris --layers 6 --epochs 5 --lens a.lens --json").json
    assert document["scores"]
    assert "findings" in document["diagnosis"]
    assert "diagnosis" not in run("train iris --layers 6 --epochs 5 --json").json
    assert "finding" not in run("train iris --layers 6 --epochs 5 --lens b.lens --quiet").out


def test_after_train_diverged_the_findings_come_before_the_error(run):
    line = "train digits --output identity --cost quadratic --optimizer sgd --learning-rate 1e6 --lens"
    failed = run(f"{line} a.lens")
    assert failed.code == 2
    assert "learning-rate-too-high" in failed.out
    assert failed.err.startswith("backlit: training diverged in epoch 1")
    failed = run(f"{line} b.lens --json")
    assert failed.code == 2
    assert failed.json["diagnosis"]["findings"]


def test_the_record_is_kept_where_asked(run, here):
    pytest.importorskip("matplotlib")
    assert run("diagnose iris --epochs 4 --layers 5 --lens kept.lens --plot kept.png").code == 0
    assert len(bl.read_lens(here / "kept.lens")) == 12
    assert (here / "kept.png").exists()
    again = run("diagnose iris --epochs 4 --layers 5 --lens kept.lens")
    assert (again.code, "kept.lens exists" in again.err) == (2, True)


def finding(rule="dead-units", flags=(), data=None):
    return Finding(
        rule, "half of it is dead " * 12, Where(), 1200, "BP2", "the factor σ' " * 20, "it is small", note=False,
        remedy=Remedy("take less", flags, data=data or {}), statistics={}, thresholds={}, score=2.0,
    )  # fmt: skip


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_text_keeps_to_the_width_and_commands_stay_whole(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    many = Asked(layers="100,50", activation="relu,tanh", optimizer="sgd", learning_rate=0.5, seed=3, target="a b")
    diagnosis = Diagnosis((finding(flags=("--clip", "1")),), (finding("small"),), (NotJudged("a", "none"),) * 2)
    lines = in_words(diagnosis, "my data.csv", many).splitlines()
    assert lines[0] == "1 finding"
    plain = [line for line in lines if not line.strip().startswith("$")]
    assert max(map(len, plain)) <= min(columns, 100)
    [command] = [line.strip()[2:] for line in lines if line.strip().startswith("$")]
    assert shlex.split(command) == [
        "backlit", "train", "my data.csv", "--target", "a b", "--layers", "100,50", "--activation", "relu,tanh",
        "--optimizer", "sgd", "--learning-rate", "0.5", "--seed", "3", "--clip", "1",
    ]  # fmt: skip
    assert "since step 1,200" in " ".join(" ".join(lines).split())
    assert " ".join(" ".join(lines).split()).count("not judged a, a: none") == 1


def test_a_remedy_takes_the_place_of_the_option_it_changes():
    asked = Asked(learning_rate=0.5, nesterov=True, momentum=0.9, optimizer="sgd", no_header=True, characters="utf-16")
    [command] = next_steps(finding(flags=("--learning-rate", "0.05")), "d.csv", asked)
    of_sgd = "--optimizer sgd --learning-rate 0.05 --momentum 0.9 --nesterov"
    assert command == f"backlit train d.csv --no-header --encoding utf-16 {of_sgd}"
    few, many = {"drop_rows": (4, 5)}, {"drop_rows": tuple(range(30))}
    assert next_steps(finding(data=few), "d.csv", Asked()) == ["backlit train d.csv --leave-out 4,5"]
    assert next_steps(finding(data=many), "d.csv", Asked()) == []
    assert next_steps(finding(flags=("--clip", "1")), None, None) == ["the same training with --clip 1"]
    assert next_steps(finding(), None, None) == []


def test_adam_does_not_inherit_the_momentum_of_sgd():
    """A command that would be refused helps nobody."""
    asked = Asked(optimizer="sgd", momentum=0.9, nesterov=True, learning_rate=30.0)
    [command] = next_steps(finding(flags=("--optimizer", "adam")), "iris", asked)
    assert command == "backlit train iris --optimizer adam"


def test_every_command_is_understood_by_train(run, here):
    """All options at once, written out, and read again."""
    asked = Asked(
        target="species", task="classes", validation=0.25, test=0.1, class_weight="balanced", layers="5,4",
        activation="relu,tanh", output_activation="softmax", initializer="glorot-normal", dropout="0.1,0",
        dtype="float64",
        cost="quadratic", l2=0.5, label_smoothing=0.1, optimizer="sgd", learning_rate=0.01, momentum=0.5, nesterov=True,
        schedule="cosine", batch_size="20", epochs=2, clip=2.0, early_stopping=3, seed=7, engine="reference",
        leave_out="3,4",
    )  # fmt: skip
    [command] = next_steps(finding(flags=("--epochs", "3")), "iris", asked)
    done = run(*shlex.split(command)[1:], "--json", "--out", "m.safetensors")
    assert done.code == 0, done.err
    options = done.json["options"]
    assert (options["l2"], options["clip"], options["epochs"], options["seed"]) == (0.5, 2.0, 3, 7)
    assert options["optimizer"] == {"name": "sgd", "learning_rate": 0.01, "momentum": 0.5, "nesterov": True}


def test_as_a_process_stdout_is_json_and_stderr_empty(as_a_process, here):
    done = subprocess.run(
        [*as_a_process, "diagnose", "iris", "--epochs", "5", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["source"] == "iris"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("diagnose iris --validation 0 --test 0", "overfitting: there is no validation data"),
        ("diagnose iris --epochs 1", "too few steps: 3 were made"),
        ("diagnose digits --epochs 2 --layers ", "the network has no hidden layer"),
        ("diagnose diabetes --epochs 4", "the targets are numbers, and this is about classes"),
    ],
)
def test_what_is_not_judged_is_said(run, line, words):
    done = run(*line.split(" "))
    assert done.code == 0
    assert words in " ".join(done.out.split())


def test_nothing_found_after_a_step_is_not_a_clean_bill_of_health(run):
    assert " questions could not be asked" in run("diagnose iris --epochs 1").out
    assert " questions could not be asked" not in run("diagnose digits --layers 30").out
