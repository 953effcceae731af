"""``backlit train``: what it saves, reports and says; that every option arrives; stops and resumptions."""
# ruff: noqa: E501  an option and what it means stand on one line

import gzip
import signal
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit import activations, data, initializers, optimizers
from backlit.cli import train as command
from backlit.data import encoding as encodings
from backlit.engines import choose
from backlit.engines.reference import ReferenceSession
from backlit.optimizers import schedules
from backlit.training import defaults
from backlit.training.pace import Pace

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
RNG = np.random.default_rng(0)

FASTEST = choose("auto", bl.Network([2, 1])).engine.name


def archive(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)


# --- what it promises


def test_the_defaults_read_digits_well(run):
    # 96.5 % as the mean of five seeds, and none below 95 %: the standard deviation of a score of 97 % on 360 rows is
    # 0.9 %, so 95 % is more than two of them below it. The test rows chose nothing.
    found = [run(f"train digits --seed {seed} --json").json["scores"]["test"]["accuracy"] for seed in range(5)]
    assert np.mean(found) >= 0.965, found
    assert min(found) >= 0.95, found


def test_what_was_chosen_by_rule_is_said_and_kept(run):
    document = run("train iris --json").json
    assert document["chosen"] == defaults.choose(90, 4, "classes").to_dict()
    assert bl.load_model("iris.safetensors").provenance["chosen"] == document["chosen"]
    assert document["options"]["epochs"] == document["chosen"]["epochs"] == 167
    all_given = (
        "--layers 5 --activation tanh --dropout 0 --label-smoothing 0 --optimizer sgd --learning-rate 0.1 "
        "--schedule constant --batch-size 10 --epochs 2"
    )
    assert run(f"train iris {all_given} --force --json").json["chosen"] == {}
    assert "by rule" not in run(f"train iris {all_given} --force").out


def test_a_training_within_a_time(run):
    """That it ends in time is the loop's to show, by a clock of its own; here, that the option arrives."""
    document = run("train iris --epochs 40 --time 5m --json").json
    assert (document["options"]["time"], document["epochs"]) == (300.0, 40)
    short = run("train digits --epochs 100000 --time 0.2s --json").json
    assert short["stopped"] == "the time is up"
    assert 0 < short["epochs"] < 100_000
    refused = run("train iris --time soon")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "backlit: time must be a number of seconds above 0, or as 30s, 5m or 1h, not 'soon'\n"


def test_json_is_one_document_and_nothing_else(run, here):
    result = run("train digits --epochs 3 --json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert next(iter(document)) == "scores"
    assert set(document["scores"]) == {"validation", "test"}
    assert set(document["scores"]["test"]) == {"accuracy", "balanced_accuracy", "log_loss", "auc"}
    assert 0.5 < document["scores"]["validation"]["accuracy"] <= 1
    assert document["rows"] == {"train": 1077, "validation": 360, "test": 360}
    assert document["model"] == "digits.safetensors"
    assert document["objective"] == "cross-entropy on softmax (fused: δ = a - y)"
    assert document["engine"] == FASTEST
    assert document["epochs"] == 3
    assert document["history"]["epoch"] == [1, 2, 3]
    assert [p.name for p in here.iterdir()] == ["digits.safetensors"]


def test_what_is_said_without_json(run):
    result = run("train digits --epochs 3 --engine reference")
    assert (result.code, result.err) == (0, "")  # no terminal: no progress, no messages
    *curve, trained, target, rule, rest, engine, saved, _, heads, validation, test = result.out.splitlines()
    assert curve[0].split() == ["cost", "accuracy"]
    assert trained.startswith("trained   3 epochs in ")
    assert trained.endswith(" s; kept epoch 3, the best by validation")
    assert target == "target    'digit' is one of 10 classes, by its values (--task forces)"
    assert rule == "by rule   2 × 128, relu, adam, learning rate 0.003, one-cycle, batches of 32;"
    assert rest == "          for 1,077 rows × 64 pixels to classes"
    assert engine == "engine    reference: asked for"
    assert saved == "saved in  digits.safetensors"
    assert heads.split() == ["rows", "accuracy", "balanced", "accuracy", "log", "loss", "AUC"]
    assert validation.startswith("validation   360  ")
    assert validation.endswith("  chose the epoch")
    assert test.startswith("test         360  ")
    assert test.endswith("  chose nothing")
    assert max(map(len, result.out.splitlines())) <= 80


def test_quiet_leaves_the_curve_out(run):
    assert run("train iris --epochs 3 --quiet").out.startswith("trained ")
    assert run("train iris --epochs 3").out.startswith("  ")


@pytest.mark.parametrize("columns", ["30", "50", "100", "250"])
def test_lines_fit_the_terminal(columns, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    lines = run("train iris --epochs 3 --out m").out.splitlines()
    assert max(map(len, lines)) <= max(int(columns), 36)  # 12 for the words, 24 for what is beside them
    assert sum("┌" in line for line in lines) == (1 if int(columns) >= 100 else 2)  # beside or below each other


def test_the_scores_are_those_of_the_saved_model_on_those_rows(run):
    found = run("train wine --epochs 5 --seed 3 --json").json["scores"]
    dataset, model = data.read("wine"), bl.load_model("wine.safetensors")
    parts = data.split(dataset.known_y, validation=0.2, test=0.2, seed=3, stratify=True)
    for part in ("validation", "test"):
        rows = getattr(parts, part)
        truth = np.array(dataset.classes)[dataset.known_y[rows]]
        assert found[part]["accuracy"] == (model.predict(dataset.X[rows]) == truth).mean()
    assert not set(parts.test) & {*parts.train, *parts.validation}


def test_nothing_is_learnt_from_the_rows_that_judge(run, here):
    X, y = RNG.normal(size=(60, 3)), np.arange(60) % 2
    archive(here, X=X, y=y)
    parts = data.split(y, validation=0.2, test=0.2, seed=0, stratify=True)
    first = run("train data.npz --epochs 5 --out first --json")
    X[parts.test] += 1000
    archive(here, X=X, y=y)
    second = run("train data.npz --epochs 5 --out second --json")
    assert bl.load("first").parameters.tobytes() == bl.load("second").parameters.tobytes()
    assert first.json["scores"]["validation"] == second.json["scores"]["validation"]
    assert first.json["scores"]["test"] != second.json["scores"]["test"]


def test_the_same_command_gives_the_same_file(run, here):
    for name in ("a", "b"):
        run(f"train digits --epochs 3 --dropout 0.2 --out {name}")
    assert (here / "a").read_bytes() == (here / "b").read_bytes()
    run("train digits --epochs 3 --dropout 0.2 --seed 1 --out c")
    assert (here / "a").read_bytes() != (here / "c").read_bytes()


def test_without_rows_to_choose_or_to_judge(run):
    result = run("train iris --epochs 3 --validation 0 --test 0 --json").json
    assert result["scores"] == {}
    assert result["rows"] == {"train": 150, "validation": 0, "test": 0}
    assert result["best_epoch"] is None
    assert "the best by validation" not in run("train iris --epochs 3 --validation 0").out


def test_early_stopping_keeps_the_best_epoch(run):
    # With a learning rate this large the validation cost is at its best early on.
    result = run("train iris --epochs 400 --early-stopping 4 --learning-rate 0.1 --json").json
    costs = result["history"]["validation_cost"]
    assert result["stopped"] == "early stopping: no better validation_cost in 4 epochs"
    assert result["best_epoch"] == int(np.argmin(costs)) + 1 == result["epochs"] - 4 < 396
    assert "early stopping: no better" in run("train iris --epochs 400 --early-stopping 4 --learning-rate 0.1").out


# --- that every option arrives


BY_RULE = ("layers", "activation", "dropout", "label_smoothing", "optimizer", "learning_rate", "schedule",
           "batch_size", "epochs", "l2")  # fmt: skip


def trained_in_python(*, seed=0, output="softmax", initializer="auto", dtype="float32", **options):
    """What ``backlit train iris --layers 8 --epochs 3`` and its options come to, from the package's own parts."""
    dataset = data.read("iris")
    parts = data.split(dataset.known_y, validation=0.2, test=0.2, seed=seed, stratify=True)
    encoding = encodings.fit(dataset, parts.train)
    X, y = encoding.features(dataset.X, dtype), encoding.targets(dataset.known_y, dtype)
    options = {"layers": (8,), "epochs": 3, **options}
    given = {name: options.pop(name) for name in BY_RULE if name in options}
    settled = defaults.choose(len(parts.train), 4, "classes", given=given)
    network = bl.Network(
        [4, *settled.layers, 3], activation=settled.activation, output=output, initializer=initializer,
        dropout=settled.dropout, seed=seed, dtype=dtype,
    )  # fmt: skip
    bl.train(
        network, X[parts.train], y[parts.train], validation=(X[parts.validation], y[parts.validation]), seed=seed,
        early_stopping=bl.EarlyStopping(patience=None), optimizer=settled.make_optimizer(), schedule=settled.schedule,
        learning_rate=given.get("learning_rate") if "optimizer" in given else None, epochs=settled.epochs,
        batch_size=settled.batch_size, label_smoothing=settled.label_smoothing, l2=given.get("l2", 0.0), **options,
    )  # fmt: skip
    return network.parameters


OPTIONS = [
    ("", {}),
    *((f"--optimizer {name}", {"optimizer": name}) for name in optimizers.OPTIMIZERS),
    *((f"--learning-rate 0.3 --schedule {n}", {"epochs": 20, "learning_rate": 0.3, "schedule": n}) for n in schedules.SCHEDULES if n not in ("one-cycle", "reduce-on-plateau")),
    ("--optimizer adam --schedule one-cycle", {"optimizer": "adam", "schedule": "one-cycle"}),
    ("--optimizer adam --learning-rate 0.02", {"optimizer": "adam", "learning_rate": 0.02}),
    ("--label-smoothing 0.2", {"label_smoothing": 0.2}),
    *((f"--activation {n}", {"activation": n}) for n, a in activations.ACTIVATIONS.items() if not a.output_only and n != "relu"),
    *((f"--initializer {name}", {"initializer": name}) for name in initializers.INITIALIZERS if name != "he-uniform"),
    ("--layers 5,4", {"layers": (5, 4)}),
    ("--layers=", {"layers": ()}),
    ("--layers 5,4 --activation tanh,elu", {"layers": (5, 4), "activation": ["tanh", "elu"]}),
    ("--layers 5,4 --dropout 0.1,0.3", {"layers": (5, 4), "dropout": [0.1, 0.3]}),
    ("--dropout 0.4", {"dropout": 0.4}),
    ("--dtype float64", {"dtype": "float64"}),
    ("--output sigmoid", {"output": "sigmoid"}),
    ("--output sigmoid --cost quadratic", {"output": "sigmoid", "cost": "quadratic"}),
    ("--cost huber", {"cost": "huber"}),
    ("--cost mse", {"cost": "mse"}),
    ("--cost quadratic", {"cost": "quadratic"}),
    ("--l2 30", {"l2": 30.0}),
    ("--learning-rate 0.02", {"learning_rate": 0.02}),
    ("--optimizer sgd --momentum 0.9", {"optimizer": optimizers.SGD(momentum=0.9)}),
    ("--optimizer sgd --momentum 0.9 --nesterov", {"optimizer": optimizers.SGD(momentum=0.9, nesterov=True)}),
    ("--optimizer sgd --momentum 0.9 --learning-rate 0.01", {"optimizer": optimizers.SGD(0.01, momentum=0.9)}),
    ("--batch-size 7", {"batch_size": 7}),
    ("--batch-size all", {"batch_size": "all"}),
    ("--clip 0.1", {"clip": 0.1}),
    ("--epochs 5", {"epochs": 5}),
    ("--seed 7", {"seed": 7}),
]  # fmt: skip


@pytest.mark.parametrize(("options", "meant"), OPTIONS, ids=[options or "none" for options, _ in OPTIONS])
def test_an_option_means_what_it_means_in_python(options, meant, run):
    epochs = str(meant.get("epochs", 3))
    result = run("train", "iris", "--layers", "8", "--epochs", epochs, *options.split(), "--out", "m")
    assert (result.code, result.err) == (0, "")
    parameters = bl.load("m").parameters
    assert parameters.tobytes() == trained_in_python(**meant).tobytes()
    if meant:  # and without the last of them it is something else
        *others, _ = meant
        assert parameters.tobytes() != trained_in_python(**{name: meant[name] for name in others}).tobytes()


def test_reduce_on_plateau_by_its_name(run):
    # The best epoch, which is kept, lies before any reduction here: so it is seen in the history.
    options = "--layers 8 --epochs 40 --learning-rate 0.1 --schedule reduce-on-plateau"
    history = run(f"train iris {options} --json").json["history"]
    heard, rates = schedules.Plateau(), []
    for cost in history["validation_cost"]:
        rates.append(0.1 * heard.factor)
        heard = schedules.ReduceOnPlateau().hear(heard, cost)
    assert history["learning_rate"] == rates
    assert rates[-1] < 0.1


def test_no_hidden_layer(run):
    assert run("train", "iris", "--layers", "", "--epochs", "2", "--out", "m").code == 0
    assert bl.load("m").sizes == (4, 3)


def test_an_engine_by_its_name(run):
    assert run("train iris --epochs 1 --engine reference --json").json["engine_reason"] == "asked for"


def test_shares_of_the_rows(run):
    assert run("train iris --epochs 1 --validation 0.1 --test 0.3 --json").json["rows"] == {
        "train": 90, "validation": 15, "test": 45,
    }  # fmt: skip


def test_balanced_class_weights_find_the_rare_class(run, here):
    # Two normal distributions that overlap, 1 row in 10 of the second: unweighted, most of the second are given to the
    # first; with balanced weights both are found alike, and the mean of the two shares is higher.
    X = np.concatenate([RNG.normal(0, 1, size=(900, 2)), RNG.normal(1.2, 1, size=(100, 2))])
    archive(here, X=X, y=np.repeat(["common", "rare"], [900, 100]))
    scores = [
        run(f"train data.npz --layers= --epochs 20 --learning-rate 0.01 --json {more}").json["scores"]["test"]
        for more in ("", "--class-weight balanced")
    ]
    assert scores[1]["balanced_accuracy"] > scores[0]["balanced_accuracy"] + 0.1
    assert scores[1]["accuracy"] < scores[0]["accuracy"]


# --- kinds of data


def test_numbers(run):
    found = [run(f"train diabetes --layers 20 --epochs 40 --seed {seed} --json").json for seed in range(5)]
    scores = [one["scores"]["test"] for one in found]
    assert all(set(one) == {"r2", "rmse", "mae"} for one in scores)
    # Always answering the mean has an R² of 0 and, as the target's standard deviation is 77, that root mean squared
    # error; linear regression reaches an R² of about 0.45 on this set. On 89 rows R² scatters by 0.1 from split to split.
    assert 0.25 < np.mean([one["r2"] for one in scores]) < 0.6
    assert 45 < np.mean([one["rmse"] for one in scores]) < 70
    assert np.mean([one["mae"] for one in scores]) < np.mean([one["rmse"] for one in scores])
    assert "RMSE" in run("train diabetes --layers 20 --epochs 40").out


OPTIMUM = "train diabetes --layers= --optimizer lbfgs --epochs 20 --json"
"""Without a hidden layer every output is a curve over one weighted sum of the columns, trained to its optimum."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("output", ["sigmoid", "tanh", "relu", "softplus", "elu"])
def test_every_output_that_can_answer_numbers_answers_them(output, seed, run):
    # What the bent ones lose or win against the straight line on one split of this set is some hundredths of R². With
    # targets of mean 0, of which a relu can reach but half, it would be tenths.
    straight = run(f"{OPTIMUM} --seed {seed} --out a").json
    bent = run(f"{OPTIMUM} --seed {seed} --output {output} --out b").json
    assert straight["scores"]["test"]["r2"] > 0.3
    assert abs(bent["scores"]["test"]["r2"] - straight["scores"]["test"]["r2"]) < 0.1
    assert abs(bent["scores"]["validation"]["r2"] - straight["scores"]["validation"]["r2"]) < 0.1
    assert bent["objective"].startswith(f"quadratic on {output} ")


def test_held_out_numbers_beyond_those_of_the_training_rows(run, here):
    y = RNG.normal(size=60)
    parts = data.split(y, validation=0.2, test=0.2, seed=0, stratify=False)
    y[parts.validation[3]], y[parts.test[2]] = 9.0, -9.0
    archive(here, X=y[:, np.newaxis] + RNG.normal(size=(60, 1)), y=y)
    for output in ("sigmoid", "tanh"):
        result = run(f"train data.npz --output {output} --epochs 2 --out {output} --json")
        assert (result.code, result.err) == (0, "")
        predicted = bl.load_model(output).predict(data.read("data.npz").X)
        assert predicted.min() >= y[parts.train].min() - 1e-6  # the rounding of float32
        assert predicted.max() <= y[parts.train].max() + 1e-6


def test_two_classes_on_a_single_sigmoid(run):
    result = run("train breast-cancer --output sigmoid --epochs 20 --json").json
    assert bl.load("breast-cancer.safetensors").sizes[-1] == 1
    assert result["objective"] == "binary-cross-entropy on sigmoid (fused: δ = a - y)"
    assert result["scores"]["test"]["accuracy"] > 0.9  # 63 % is the share of the larger class
    assert run("train breast-cancer --epochs 1 --out two --json").code == 0
    assert bl.load("two").sizes[-1] == 2


def test_the_classic_objective(run):
    options = "--layers 30 --activation sigmoid --output sigmoid --cost quadratic --optimizer sgd --learning-rate 3"
    result = run(f"train digits {options} --initializer gaussian --batch-size 10 --epochs 10 --json").json
    assert result["objective"] == "quadratic on sigmoid (general path)"
    assert result["scores"]["test"]["accuracy"] > 0.85


def test_several_labels(run, here):
    X = RNG.normal(size=(300, 2))
    archive(here, X=X, y=np.stack([X[:, 0] > 0, X[:, 1] > 0, X.sum(axis=1) > 0], axis=1).astype(int))
    result = run("train data.npz --epochs 40 --layers 20 --json").json
    assert set(result["scores"]["test"]) == {"exact_match", "label_accuracy"}
    assert result["scores"]["test"]["exact_match"] > 0.7  # by chance about an eighth to a third
    assert "all labels right" in run("train data.npz --epochs 2 --layers 20").out


def test_counts_are_trained_on_as_they_are(run, here):
    X = RNG.uniform(-1, 1, size=(400, 1))
    rate = np.exp(2 + X[:, 0])
    archive(here, X=X, y=RNG.poisson(rate))
    result = run("train data.npz --task numbers --output exponential --layers= --epochs 60 --learning-rate 0.05 --json")
    assert result.json["objective"] == "poisson on exponential (fused: δ = a - y)"
    predicted = bl.load_model("data.safetensors").predict(X)
    # The coefficients of 240 rows of counts around 8 are found to within some percent.
    assert np.abs(predicted / rate - 1).max() < 0.2


def test_text_as_classes_and_npy_pairs(run, here):
    X = RNG.normal(size=(60, 2))
    np.save(here / "X.npy", X)
    np.save(here / "y.npy", np.where(X[:, 0] > 0, "yes", "no"))
    assert run("train X.npy,y.npy --epochs 30 --json").json["model"] == "X.safetensors"
    assert set(bl.load_model("X.safetensors").predict(X)) == {"yes", "no"}


def idx(array):
    return bytes([0, 0, 0x08, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def test_a_folder_of_idx_files(run, here):
    (here / "stripes").mkdir()
    for part, rows in (("train", 200), ("t10k", 50)):
        labels = (np.arange(rows) % 2).astype(np.uint8)
        images = RNG.integers(0, 90, size=(rows, 4, 4), dtype=np.uint8)
        images[labels == 1, 1] += 150  # a bright row
        images[labels == 0, :, 1] += 150  # a bright column
        packed = gzip.compress if part == "train" else bytes
        ending = ".gz" if part == "train" else ""
        (here / "stripes" / f"{part}-images-idx3-ubyte{ending}").write_bytes(packed(idx(images)))
        (here / "stripes" / f"{part}-labels-idx1-ubyte{ending}").write_bytes(packed(idx(labels)))
    assert run("train stripes/ --epochs 20 --json").json["model"] == "stripes.safetensors"
    result = run("evaluate stripes.safetensors stripes:test --json").json
    assert result["rows"] == {"all": 50}
    assert result["scores"]["all"]["accuracy"] == 1


@pytest.mark.slow
def test_mnist(run):
    if not (SHARED / "mnist").is_dir():
        pytest.skip("needs the files of MNIST in ../shared/data/mnist")
    folder = str(SHARED / "mnist")
    result = run("train", folder, "--epochs", "5", "--layers", "100", "--test", "0", "--json").json
    assert result["model"] == "mnist.safetensors"
    # A hidden layer of 100 reads more than 97 % of MNIST's own test rows after a few epochs.
    assert run("evaluate", "mnist.safetensors", f"{folder}:test", "--json").json["scores"]["all"]["accuracy"] > 0.965


# --- files


def test_the_default_name_is_made_new_and_force_takes_it(run, here):
    assert run("train iris --epochs 1 --json").json["model"] == "iris.safetensors"
    first = (here / "iris.safetensors").read_bytes()
    assert run("train iris --epochs 2 --json").json["model"] == "iris-2.safetensors"
    assert (here / "iris.safetensors").read_bytes() == first
    assert run("train iris --epochs 2 --force --json").json["model"] == "iris.safetensors"
    assert (here / "iris.safetensors").read_bytes() != first
    assert sorted(p.name for p in here.iterdir()) == ["iris-2.safetensors", "iris.safetensors"]


def test_a_name_that_was_taken_during_the_training_stays_as_it_is(run, here, monkeypatch):
    train = bl.train

    def meanwhile(*arguments, **options):
        (here / "m.safetensors").write_bytes(b"somebody else's")
        return train(*arguments, **options)

    monkeypatch.setattr(bl, "train", meanwhile)
    result = run("train iris --epochs 2 --out m.safetensors --json")
    assert (result.code, result.json["model"]) == (0, "m-2.safetensors")
    assert result.err == (
        "m.safetensors appeared during the training and stays as it is: written to m-2.safetensors in its place\n"
    )
    assert (here / "m.safetensors").read_bytes() == b"somebody else's"
    assert bl.load("m-2.safetensors").sizes == (4, 128, 128, 3)
    again = run("train iris --epochs 2 --out m.safetensors --json")  # that there is something is known before
    assert (again.code, again.out) == (2, "")
    assert "m.safetensors exists; --force overwrites it" in again.err
    assert not (here / "m-3.safetensors").exists()


def test_a_plot_that_was_drawn_during_the_training_stays_as_it_is(run, here, monkeypatch):
    pytest.importorskip("matplotlib")
    train = bl.train

    def meanwhile(*arguments, **options):
        (here / "curve.svg").write_bytes(b"somebody else's")
        return train(*arguments, **options)

    monkeypatch.setattr(bl, "train", meanwhile)
    result = run("train iris --epochs 2 --plot curve.svg")
    assert result.code == 0
    assert "written to curve-2.svg in its place" in result.err
    assert (here / "curve.svg").read_bytes() == b"somebody else's"
    assert (here / "curve-2.svg").read_bytes().startswith(b"<?xml")


def test_out_may_be_a_link_to_where_nothing_is_yet(run, here):
    """It is that name which was asked for, not another."""
    (here / "latest").symlink_to("model.safetensors")
    result = run("train iris --epochs 1 --out latest --json")
    assert (result.code, result.err, result.json["model"]) == (0, "", "latest")
    assert sorted(p.name for p in here.iterdir()) == ["latest", "model.safetensors"]
    assert bl.load("model.safetensors").sizes == (4, 128, 128, 3)


def test_a_model_may_stand_among_the_data_it_was_trained_on(run, here):
    (here / "images").mkdir()
    (here / "images" / "train-images-idx3-ubyte").write_bytes(idx(RNG.integers(0, 9, size=(60, 2, 2), dtype=np.uint8)))
    (here / "images" / "train-labels-idx1-ubyte").write_bytes(idx((np.arange(60) % 2).astype(np.uint8)))
    assert run("train images --epochs 1 --out images/model.safetensors --json").code == 0
    assert run("train images --epochs 1 --out images/model.safetensors --force --json").code == 0


@pytest.mark.parametrize(
    ("ending", "start"), [(".png", b"\x89PNG\r\n\x1a\n"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_plot_is_an_image(ending, start, run, here):
    pytest.importorskip("matplotlib")
    assert run(f"train iris --epochs 3 --plot curve{ending}").code == 0
    content = (here / f"curve{ending}").read_bytes()
    assert content.startswith(start)
    assert len(content) > 5000
    if ending == ".png":
        from matplotlib.image import imread

        pixels = imread(here / "curve.png")
        assert pixels.shape[0] > 300
        assert pixels.shape[1] > 900
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 10  # and something is on it


# --- stops


def press_ctrl_c(patch, after_step):
    """Ctrl-C in the middle of an epoch: after the first run of steps that ends beyond this one."""
    original = ReferenceSession.run

    def run_(self, *arguments, **options):
        report = original(self, *arguments, **options)
        if self.step > after_step:
            signal.raise_signal(signal.SIGINT)
        return report

    patch.setattr(Pace, "most", 9)
    patch.setattr(ReferenceSession, "run", run_)


def test_a_resumed_training_gives_the_file_of_one_that_was_not_stopped(run, here, monkeypatch):
    options = "train digits --epochs 6 --dropout 0.2 --schedule cosine --layers 20 --seed 4 --engine reference --json"
    whole = run(f"{options} --out whole --checkpoint a.checkpoint")
    with monkeypatch.context() as patch:
        press_ctrl_c(patch, after_step=80)  # 34 steps an epoch: in the middle of the third
        stopped = run(f"{options} --out part --checkpoint b.checkpoint")
    assert stopped.code == 130
    assert stopped.err == (
        "backlit: interrupted in epoch 3; the network is as it was after epoch 2, and saved; "
        "the same command with --resume goes on from b.checkpoint\n"
    )
    assert stopped.json["stopped"] == "interrupted"
    assert stopped.json["best_epoch"] is None
    assert stopped.json["history"] == {name: values[:2] for name, values in whole.json["history"].items()}
    resumed = run(f"{options} --out resumed --checkpoint b.checkpoint --resume")
    assert (resumed.code, resumed.err) == (0, "")
    assert (here / "resumed").read_bytes() == (here / "whole").read_bytes()
    assert (here / "part").read_bytes() != (here / "whole").read_bytes()
    assert resumed.json["scores"] == whole.json["scores"]


def test_an_interrupted_training_saves_the_network_of_its_last_epoch(run, here, monkeypatch):
    with monkeypatch.context() as patch:
        press_ctrl_c(patch, after_step=80)
        result = run("train digits --epochs 6 --layers 20 --optimizer adam --engine reference")
    assert result.code == 130
    assert result.err == "backlit: interrupted in epoch 3; the network is as it was after epoch 2, and saved\n"
    assert "trained   2 epochs in" in result.out
    assert "interrupted" in result.out
    assert "kept" not in result.out
    assert [line.split()[0] for line in result.out.splitlines() if "chose" in line] == ["test"]
    run("train digits --epochs 2 --layers 20 --optimizer adam --engine reference --out two")
    assert bl.load("digits.safetensors").parameters.tobytes() == bl.load("two").parameters.tobytes()
    assert bl.load_model("digits.safetensors").provenance["scores"].keys() == {"validation", "test"}


@pytest.mark.parametrize("checkpoint", [None, "c"])
def test_ctrl_c_in_the_first_epoch_leaves_nothing_to_save(checkpoint, run, here, monkeypatch):
    press_ctrl_c(monkeypatch, after_step=10)
    result = run(f"train digits --epochs 6 --engine reference {f'--checkpoint {checkpoint}' if checkpoint else ''}")
    go_on = "; the same command with --resume goes on from c" if checkpoint else ""
    nothing = "interrupted before an epoch was completed: there is nothing to save"
    assert (result.code, result.out, result.err) == (130, "", f"backlit: {nothing}{go_on}\n")
    assert [p.name for p in here.iterdir()] == ([checkpoint] if checkpoint else [])


def test_resuming_without_a_checkpoint_yet_starts_anew(run, here):
    result = run("train iris --epochs 2 --checkpoint c --resume --out a")
    assert result.code == 0
    assert (here / "c").exists()
    run("train iris --epochs 2 --out b")
    assert (here / "a").read_bytes() == (here / "b").read_bytes()
    assert run("train iris --epochs 2 --checkpoint c --force --out d").code == 0  # --force starts anew


def test_the_announcement_says_where_a_resumed_training_goes_on(capsys):
    from types import SimpleNamespace

    announcement = command._announcement("digits: 5 rows")
    announcement.on_train_begin(SimpleNamespace(step=1234, resumed_from_step=1234))
    announcement.on_train_begin(SimpleNamespace(step=0, resumed_from_step=0))
    assert capsys.readouterr() == ("", "digits: 5 rows\ngoing on from step 1,234\ndigits: 5 rows\n")
