"""Bad input through the real command line: exit code 2, one line that says what, where and what to do, nothing written.

Each row of the table makes its files, is run, and must be refused before any training begins.
"""
# ruff: noqa: E501  a row of the table stands on one line

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit import data
from backlit.cli import main
from backlit.data.encoding import Encoding
from backlit.engines.reference import ReferenceSession
from backlit.formats import container

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 2
PIXELS = RNG.integers(0, 256, size=(40, 2, 2), dtype=np.uint8)


def npz(name="data.npz", **arrays):
    """A maker of an archive; X and y are good unless they are given."""
    return lambda folder: np.savez(folder / name, **{"X": X, "y": Y, **arrays})


def changed(array, row, value):
    array = np.array(array, dtype=np.float64)
    array[row] = value
    return array


def idx_bytes(array, code=0x08, claimed=None):
    shape = np.array(claimed or array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, code, array.ndim]) + shape + array.tobytes()


def idx(images=None, labels=None, packed=False):
    """A maker of a folder in MNIST's layout."""

    def make(folder):
        (folder / "images").mkdir()
        named = {
            "train-images-idx3-ubyte": idx_bytes(PIXELS) if images is None else images,
            "train-labels-idx1-ubyte": idx_bytes(Y.astype(np.uint8)) if labels is None else labels,
        }
        for name, content in named.items():
            if packed:
                (folder / "images" / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / "images" / name).write_bytes(content)

    return make


def model(change=None, name="model.safetensors"):
    """A maker of the file of a model of 3 columns and the classes 0 and 1; ``change`` spoils its bytes."""

    def make(folder):
        encoding = Encoding(("x0", "x1", "x2"), np.zeros(3), np.ones(3), "classes", "y", 2, (0, 1))
        bl.save(bl.Model(bl.Network([3, 4, 2], output="softmax"), encoding), folder / name)
        if change is not None:
            path = folder / name
            path.write_bytes(change(path.read_bytes()))

    return make


def header(edit):
    """A change of the header of a safetensors file."""

    def change(content):
        end = 8 + int.from_bytes(content[:8], "little")
        claims = json.loads(content[8:end])
        edit(claims)
        packed = json.dumps(claims, separators=(",", ":")).encode()
        lying = len(packed).to_bytes(8, "little") + packed + content[end:]
        return lying[:35] + container.digest(lying, b"") + lying[67:]  # the liar knows how to make it

    return change


def of_a_newer_version(claims):
    claims["__metadata__"]["version"] = "99"


def larger_than_its_bytes(claims):
    claims["layer2.W"]["shape"] = [4, 3_000_000]


def turned(claims):
    claims["layer2.W"]["shape"] = [3, 4]


def checkpoint(folder):
    network = bl.Network([3, 2], output="softmax")
    bl.train(network, X, Y, epochs=1, checkpoint=folder / "model.safetensors")


def text(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def linked(name, to):
    return lambda folder: (folder / name).symlink_to(to)


def both(*makers):
    def make(folder):
        for one in makers:
            one(folder)

    return make


@dataclass(frozen=True)
class Row:
    """What is run on which files, and what the message must say."""

    name: str
    command: str
    says: tuple[str, ...]
    files: Callable[[Path], object] = lambda folder: None


def row(name, command, *says, files=lambda folder: None):
    return Row(name, command, says, files)


NEWER, LARGER = model(header(of_a_newer_version)), model(header(larger_than_its_bytes))

TABLE = [
    # the data
    row("NaN in a feature", "train data.npz", "data.npz", "X", "NaN", "row 3", "column 1", "leave out", files=npz(X=changed(X, (3, 1), np.nan))),
    row("infinity in a feature", "train data.npz", "infinity", "row 7", "column 0", files=npz(X=changed(X, (7, 0), np.inf))),
    row("NaN in a target", "train data.npz", "target 'y'", "NaN", "row 5", files=npz(y=changed(Y, 5, np.nan))),
    row("infinity in a target", "train data.npz", "target 'y'", "infinity", "row 6", files=npz(y=changed(X[:, 0], 6, -np.inf))),
    row("text in a feature", "train data.npz", "data.npz", "X", "text", files=npz(X=np.full((40, 3), "a"))),
    row("objects in an archive", "train data.npz", "data.npz", "objects", "pickle", files=npz(y=np.array([{}] * 40, dtype=object))),
    row("a single class", "train data.npz", "target 'y'", "is 1", "nothing to learn", files=npz(y=np.ones(40, dtype=int))),
    row("a constant number", "train data.npz --task numbers", "target 'y'", "is 0.5", files=npz(y=np.full(40, 0.5))),
    row("fewer rows than a batch", "train data.npz --batch-size 25", "24 training rows", "25", "--batch-size all", files=npz()),
    row("too few rows to split", "train data.npz", "2 rows are too few", files=npz(X=X[:2], y=[0, 1])),
    row("rows of features and targets differ", "train data.npz", "40 rows of features", "39 of targets", files=npz(y=Y[:39])),
    row("no target to train on", "train X.npy", "X.npy", "no target", files=lambda folder: np.save(folder / "X.npy", X)),
    row("a target that is not there", "train data.npz --target price", "data.npz", "price", "'y'", files=npz()),
    row("a target of a bundled set", "train digits --target price", "digits", "'digit'", "'price'"),
    row("fractions as classes", "train data.npz --task classes", "target 'y'", "classes are text or whole numbers", files=npz(y=X[:, 0])),
    row("text as numbers", "train data.npz --task numbers", "target 'y'", "text", files=npz(y=np.array(["a", "b"] * 20))),
    row("several columns of classes", "train data.npz --task classes", "target 'y'", "2 columns", files=npz(y=np.tile(Y[:, None], 2))),
    row("probabilities of numbers", "train data.npz --output sigmoid --cost binary-cross-entropy", "numbers", "--output identity", files=npz(y=X[:, 0])),
    row("softmax of numbers", "train data.npz --output softmax --cost quadratic", "target 'y' is numbers", "softmax gives probabilities", "--output identity", files=npz(y=X[:, 0])),
    row("numbers a relu cannot reach", "train data.npz --output relu", "target 'y'", "goes down to -0.428571 (in row 39)", "relu never goes below 0", "identity", files=npz(y=np.arange(40) % 7 / 7 - (np.arange(40) == 39))),
    row("counts below 0", "train data.npz --output exponential", "target 'y' goes down to -", "exponential never goes below 0", "identity", files=npz(y=X[:, 0])),
    row("an archive cut short", "train data.npz", "data.npz", "damaged or cut short", files=both(npz(), lambda f: text("data.npz", (f / "data.npz").read_bytes()[:-90])(f))),
    row("an archive without features", "train data.npz", "data.npz", "features", "looked for X", files=lambda folder: np.savez(folder / "data.npz", a=X)),
    row("an empty file", "train data.npz", "data.npz", "empty", files=text("data.npz", b"")),
    row("no such file", "train data.npz", "data.npz", "no such file"),
    row("a table without a target named", "train data.csv", "data.csv", "which column is the target", "--target", files=text("data.csv", b"a,b\n1,2\n")),
    row("a misspelt source", "train digit", "'digit'", "did you mean 'digits'"),
    # IDX
    row("truncated IDX", "train images", "train-images-idx3-ubyte", "truncated", "160", files=idx(images=idx_bytes(PIXELS)[:-1])),
    row("truncated IDX, packed", "train images", "train-images-idx3-ubyte.gz", "truncated", files=idx(images=idx_bytes(PIXELS)[:-1], packed=True)),
    row("IDX of another kind", "train images", "train-labels-idx1-ubyte", "3 dimensions", "images", files=idx(labels=idx_bytes(PIXELS))),
    row("not IDX at all", "train images", "train-images-idx3-ubyte", "not an IDX file", files=idx(images=b"\x89PNG1234")),
    row("IDX that claims more", "train images", "train-images-idx3-ubyte", "truncated", files=idx(images=idx_bytes(PIXELS, claimed=(40, 60_000, 60_000)))),
    row("images and labels of different counts", "train images", "40 images", "39 labels", files=idx(labels=idx_bytes(Y[:39].astype(np.uint8)))),
    row("a folder of something else", "train images", "images", "no images", "train-images-idx3-ubyte", files=lambda folder: (folder / "images").mkdir()),
    row("a part that is not there", "train images:valid", "images:valid", "images:train", files=idx()),
    # the network and the training
    row("no neurons", "train digits --layers 0", "--layers", "'0'", "100,50"),
    row("layers that are no number", "train digits --layers abc", "--layers", "'abc'", "100,50"),
    row("a layer left empty", "train digits --layers 100,,50", "--layers", "'100,,50'"),
    row("a fraction of a neuron", "train digits --layers 1.5", "--layers", "'1.5'"),
    row("a negative layer", "train digits --layers -5", "--layers", "'-5'"),
    row("more neurons than memory", "train digits --layers 999999999999", "999,999,999,999", "too many"),
    row("more neurons than an array may have", f"train digits --layers {9**24}", "neurons need", "too many"),
    row("a negative learning rate", "train digits --learning-rate -0.1", "--learning-rate of adam", "above 0", "-0.1"),
    row("a learning rate of 0", "train digits --learning-rate 0", "--learning-rate", "above 0"),
    row("a learning rate that is no number", "train digits --learning-rate fast", "--learning-rate", "'fast'", "number"),
    row("a learning rate that is not finite", "train digits --learning-rate nan", "--learning-rate", "'nan'"),
    row("a learning rate lbfgs has no use for", "train digits --optimizer lbfgs --learning-rate 1e-3", "lbfgs", "--learning-rate", "leave it out"),
    row("a dropout of 1", "train digits --dropout 1", "dropout", "not including 1"),
    row("two dropouts for a layer", "train digits --layers 30 --dropout 0.1,0.2", "dropout", "2 values", "1 hidden"),
    row("dropout that is no number", "train digits --dropout some", "--dropout", "'some'"),
    row("dropout with lbfgs", "train digits --optimizer lbfgs --dropout 0.1", "lbfgs", "dropout"),
    row("momentum of adam", "train digits --momentum 0.9", "--momentum", "sgd", "adam"),
    row("momentum of 1", "train digits --optimizer sgd --momentum 1", "momentum", "below 1"),
    row("nesterov without momentum", "train digits --optimizer sgd --nesterov", "--nesterov", "--momentum 0.9"),
    row("no epochs", "train digits --epochs 0", "--epochs", "above 0"),
    row("epochs that are no number", "train digits --epochs abc", "--epochs", "'abc'", "backlit train --help"),
    row("an empty batch", "train digits --batch-size 0", "--batch-size", "'0'", "all"),
    row("a batch of words", "train digits --batch-size half", "--batch-size", "'half'", "all"),
    row("a negative penalty", "train digits --l2 -1", "l2", "-1"),
    row("clipping at 0", "train digits --clip 0", "clip", "above 0"),
    row("a negative seed", "train digits --seed -1", "seed", "-1"),
    row("no patience", "train digits --early-stopping 0", "--early-stopping", "above 0"),
    row("early stopping without validation", "train digits --validation 0 --early-stopping 5", "--validation 0.2"),
    row("shares that leave nothing", "train digits --validation 0.6 --test 0.4", "validation 0.6", "test 0.4", "nothing to train on"),
    row("a share above 1", "train digits --test 20", "test", "20"),
    row("class weights of numbers", "train diabetes --class-weight balanced", "--class-weight", "classes"),
    row("an output that does not go with the cost", "train digits --output sigmoid --cost cross-entropy", "'cross-entropy'", "'sigmoid'", "softmax", "binary-cross-entropy"),
    row("a cost that does not go with the output", "train digits --cost binary-cross-entropy", "'binary-cross-entropy'", "'softmax'", "sigmoid"),
    row("softmax within", "train digits --activation softmax", "softmax", "output layer only"),
    # misspelt values and options: the nearest is suggested
    row("misspelt activation", "train digits --activation sigmiod", "'sigmiod'", "did you mean 'sigmoid'"),
    row("misspelt output", "train digits --output sofmax", "'sofmax'", "did you mean 'softmax'"),
    row("misspelt cost", "train digits --cost quadratc", "'quadratc'", "did you mean 'quadratic'"),
    row("misspelt optimizer", "train digits --optimizer adma", "'adma'", "did you mean 'adam"),
    row("misspelt schedule", "train digits --schedule onecycle", "'onecycle'", "did you mean 'one-cycle'"),
    row("misspelt initializer", "train digits --initializer gausian", "'gausian'", "did you mean 'gaussian'"),
    row("misspelt engine", "train digits --engine referense", "'referense'", "did you mean 'reference'"),
    row("misspelt task", "train digits --task clases", "'clases'", "did you mean 'classes'"),
    row("misspelt class weight", "train digits --class-weight balnced", "--class-weight", "did you mean 'balanced'"),
    row("misspelt dtype", "train digits --dtype float16", "'float16'", "float32 or float64"),
    row("misspelt command", "tran digits", "'tran'", "did you mean 'train'"),
    row("misspelt option", "train digits --epocs 3", "--epocs", "did you mean --epochs", "backlit train --help"),
    row("an option of another command", "inspect model.safetensors --epochs 3", "--epochs", "backlit inspect --help"),
    row("an option without a command", "--epochs", "--epochs", "backlit --help"),
    row("an option without its value", "train digits --seed", "--seed", "requires an argument"),
    row("no source", "train", "SOURCE", "backlit train --help"),
    row("no model", "evaluate", "MODEL", "backlit evaluate --help"),
    row("an argument too many", "evaluate a b c", "(c)", "backlit evaluate --help"),
    # a model and data brought to it
    row("wrong number of columns at prediction", "predict model.safetensors data.npz", "data.npz", "2 columns", "takes 3", "x0, x1, x2", files=both(model(), npz(X=X[:, :2]))),
    row("wrong number of columns at evaluation", "evaluate model.safetensors iris", "iris", "4 columns", "takes 3", files=model()),
    row("NaN at prediction", "predict model.safetensors data.npz", "data.npz", "NaN", "row 0", "column 2", files=both(model(), npz(X=changed(X, (0, 2), np.nan)))),
    row("an unknown class at evaluation", "evaluate model.safetensors data.npz", "unknown class 2", "row 39", "known: 0, 1", files=both(model(), npz(y=changed(Y, 39, 2).astype(int)))),
    row("unknown names at evaluation", "evaluate model.safetensors data.npz", "unknown class 'a'", "row 0", "known: 0, 1", files=both(model(), npz(y=np.array(["a", "b"] * 20)))),
    row("no target at evaluation", "evaluate model.safetensors X.npy", "X.npy", "no target", files=both(model(), lambda folder: np.save(folder / "X.npy", X))),
    # the model file
    row("a truncated model", "predict model.safetensors data.npz", "model.safetensors", "claims 104 bytes", "has 96", files=both(model(lambda content: content[:-8]), npz())),
    row("a model cut within its header", "inspect model.safetensors", "model.safetensors", "header claims", "has 100", files=model(lambda content: content[:100])),
    row("an empty model", "inspect model.safetensors", "model.safetensors", files=text("model.safetensors", b"")),
    row("a model that lies about its sizes", "evaluate model.safetensors data.npz", "model.safetensors", "claims 48,000,056 bytes", "has 104", files=both(LARGER, npz())),
    row("a model whose layers do not fit", "inspect model.safetensors", "model.safetensors", "layer2.W", "(3, 4)", "(4, 3)", files=model(header(turned))),
    row("a model that claims a header of exabytes", "inspect model.safetensors", "model.safetensors", files=model(lambda content: b"\xff" * 7 + b"\x7f" + content[8:])),
    row("a model from a newer version", "inspect model.safetensors", "model.safetensors", "newer", files=NEWER),
    row("a model that is no model", "inspect model.safetensors", "model.safetensors", "not a safetensors file", files=text("model.safetensors", b"not at all, however long it is")),
    row("a checkpoint as a model", "evaluate model.safetensors digits", "model.safetensors", "checkpoint", files=checkpoint),
    row("a network alone as a model", "predict model.safetensors data.npz", "model.safetensors", "encoding", files=both(lambda folder: bl.save(bl.Network([3, 2]), folder / "model.safetensors"), npz())),
    row("no model there", "inspect model.safetensors", "model.safetensors", "cannot be read"),
    # where to write
    row("the output exists", "train digits --out model.safetensors", "model.safetensors exists", "--force", files=model()),
    row("the output is a folder", "train digits --out images", "images", "folder", files=idx()),
    row("the output's folder is missing", "train digits --out nowhere/model.safetensors", "nowhere/model.safetensors", "folder does not exist"),
    row("the plot exists", "train digits --plot curve.png", "curve.png exists", "--force", files=text("curve.png", b"")),
    row("a plot that cannot be drawn", "train digits --plot curve.docx", "curve.docx", ".png"),
    row("the plot's folder is missing", "train digits --plot nowhere/curve.png", "nowhere/curve.png", "folder does not exist"),
    row("the checkpoint exists", "train digits --checkpoint model.safetensors", "model.safetensors exists", "--resume", "--force", files=checkpoint),
    row("the checkpoint's folder is missing", "train digits --checkpoint nowhere/c", "nowhere/c", "folder does not exist"),
    row("resuming from nowhere", "train digits --resume", "--resume", "--checkpoint FILE"),
    row("resuming another training", "train digits --resume --checkpoint model.safetensors", "model.safetensors", "another training", files=checkpoint),
    row("resuming from what is no checkpoint", "train digits --resume --checkpoint model.safetensors", "model.safetensors", files=text("model.safetensors", b"not at all, however long it is")),
    row("one file for two things", "train digits --out a.png --plot a.png", "--out", "--plot", "different files"),
    row("one file for two things, forced", "train digits --out c --checkpoint ./images/../c --force", "--out and --checkpoint", "different files", files=idx()),
    row("one file for two things by a link", "train digits --checkpoint here/digits.safetensors --force", "--out and --checkpoint", "digits.safetensors", files=linked("here", ".")),
    row("the model over its data", "train data.npz --out data.npz --force", "--out data.npz", "read as SOURCE", "another name", files=npz()),
    row("the model over one of its data", "train X.npy,y.npy --out here/../X.npy --force", "--out here/../X.npy", "read as SOURCE", files=both(lambda f: (np.save(f / "X.npy", X), np.save(f / "y.npy", Y)), lambda f: (f / "here").mkdir())),
    row("the checkpoint over the data", "train data.npz --checkpoint other --force", "--checkpoint other", "read as SOURCE", files=both(npz(), linked("other", "data.npz"))),
    row("the checkpoint over the data, resumed", "train data.npz --checkpoint data.npz --resume", "--checkpoint data.npz", "read as SOURCE", files=npz()),
    row("the plot over the data", "train data.npz --plot curve.png --force", "--plot curve.png", "read as SOURCE", files=both(npz(), linked("curve.png", "data.npz"))),
    row("the model over an image file", "train images:train --out images/train-images-idx3-ubyte --force", "--out images/train-images-idx3-ubyte", "read as SOURCE", files=idx()),
    row("predictions over the model", "predict model.safetensors data.npz -o ./model.safetensors --force", "--out", "read as MODEL", "another name", files=both(model(), npz())),
    row("predictions over the data", "predict model.safetensors data.npz -o other --force", "--out other", "read as SOURCE", files=both(model(), npz(), linked("other", "data.npz"))),
    row("predictions that exist", "predict model.safetensors data.npz --out old.csv", "old.csv exists; --force overwrites it", files=both(model(), npz(), text("old.csv", b"row\n"))),
    row("predictions to nowhere", "predict model.safetensors data.npz -o nowhere/p.csv", "nowhere/p.csv", "folder does not exist", files=both(model(), npz())),
]  # fmt: skip


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def no_step(*_, **__):
    pytest.fail("a training began")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(bad: Row, code: int, out: str, err: str) -> None:
    assert code == 2, err
    assert out == ""
    assert err.startswith("backlit: ")
    assert err.count("\n") == 1, f"not one line: {err}"
    assert err.endswith("\n")
    assert "Traceback" not in err
    missing = [part for part in bad.says if part not in err]
    assert missing == [], err


@pytest.mark.parametrize("bad", TABLE, ids=[bad.name for bad in TABLE])
def test_bad_input_is_refused_in_one_line(bad, here, capsys, monkeypatch):
    bad.files(here)
    monkeypatch.setattr(ReferenceSession, "run", no_step)
    before = everything_in(here)
    capsys.readouterr()
    code = main(bad.command.split())
    refused(bad, code, *capsys.readouterr())
    assert everything_in(here) == before


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_a_learning_rate_of_a_million_diverges_and_is_named(optimizer, here, capsys):
    code = main(["train", "digits", "--optimizer", optimizer, "--learning-rate", "1e6"])
    says = ("diverged in epoch 1, step ", "learning rate 1e+06", "row ", "lower the --learning-rate", "--clip 1")
    refused(row("", "", *says), code, *capsys.readouterr())
    assert everything_in(here) == {}


def test_the_row_of_a_divergence_is_the_row_of_the_source(here, capsys):
    y = RNG.normal(size=40)
    trained = data.split(y, validation=0.2, test=0.2, seed=0, stratify=False).train
    far_out = trained[5]
    # One column, the same in all rows but one, and no hidden layer. Standardised, the mean error is 0, so that b stays 0
    # and the first step moves W alone: whatever it becomes, the row that is far out has by far the largest cost.
    np.savez(here / "data.npz", X=(np.arange(40) == far_out)[:, np.newaxis].astype(float), y=y)
    arguments = "train data.npz --layers= --batch-size all --optimizer sgd --learning-rate 1e6"
    code = main(arguments.split())
    refused(row("", "", "diverged in epoch 2, step 1", f"row {far_out})"), code, *capsys.readouterr())


@pytest.mark.parametrize(
    "option", ["--out nowhere/m", "--plot nowhere/c.png", "--plot c.docx", "--checkpoint nowhere/c", "--resume"]
)
def test_where_to_write_is_found_out_before_the_data_are_read(option, here, capsys, monkeypatch):
    monkeypatch.setattr("backlit.data.read", lambda *_, **__: pytest.fail("the data were read"))
    assert main(["train", "digits", *option.split()]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_read_only_folder_is_found_before_the_training(here, capsys, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("backlit.formats.durable._create", refuse)  # the superuser may write anywhere
    monkeypatch.setattr(ReferenceSession, "run", no_step)
    code = main(["train", "digits"])
    refused(row("", "", "digits.safetensors", "not writable", "another folder"), code, *capsys.readouterr())


@pytest.mark.parametrize("name", ["NaN in a feature", "misspelt option", "a truncated model", "the output exists"])
def test_bad_input_in_a_process_of_its_own(name, here):
    bad = next(bad for bad in TABLE if bad.name == name)
    bad.files(here)
    before = everything_in(here)
    call = [sys.executable, "-c", "import sys; from backlit.cli import main; sys.exit(main())", *bad.command.split()]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8", cwd=here, check=False)
    refused(bad, done.returncode, done.stdout, done.stderr)
    assert everything_in(here) == before
