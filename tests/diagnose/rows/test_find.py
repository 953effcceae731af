"""``bl.rows``: planted rows are found, in every kind of data; what cannot be judged is said in one line."""

import numpy as np
import polars
import pytest

import backlit as bl
from backlit.errors import DataError, OptionError, OutputPathError


def flipped(y, seed, share=0.05, classes=10):
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(y), round(share * len(y)), replace=False)
    labels, wrong = y.copy(), np.zeros(len(y), dtype=bool)
    labels[rows] = (y[rows] + rng.integers(1, classes, len(rows))) % classes
    wrong[rows] = True
    return labels, wrong


@pytest.fixture(scope="module")
def iris():
    """Iris with three labels made wrong, one row copied, and one copied with another label; labels are text."""
    X, y = bl.data.load("iris")
    X, y = np.vstack([X, X[10:11], X[60:61]]), np.concatenate([y, y[10:11], [0]])
    y[[7, 55, 130]] = [2, 0, 0]
    names = np.array(["setosa", "versicolor", "virginica"])
    return X, names[y], bl.rows(X, names[y], seeds=2, seed=1, epochs=15)


def test_wrong_labels_come_first(iris):
    _, y, report = iris
    assert set(report.ranking[:4].tolist()) == {7, 55, 130, 151}
    assert {7, 55, 130} <= set(report.suspicious.tolist())
    assert (report.score > 0.5).sum() < 15
    assert report.prediction[[7, 55, 130]].tolist() == ["setosa", "versicolor", "virginica"]
    assert (report.label == y).all()
    assert report.task == "classes"
    assert report.classes == ("setosa", "versicolor", "virginica")
    assert report.transitions.shape == (3, 3)
    assert (np.diff(report.score[report.ranking]) <= 0).all()


def test_why_is_said_with_the_rows_own_numbers(iris):
    *_, report = iris
    said = report.why[7]
    assert said.startswith("10 of 10 networks that never saw it say setosa, 0 its label virginica; probability of the")
    assert "never learnt it" in said or "forgotten" in said or "below 0.1 %" in said
    assert "all 2 networks that never saw it say its label setosa" in report.why[10]
    assert report.why[150].endswith("a copy of row 10")
    assert "row 60 has the same features and another label" in report.why[151]
    assert (report.copy_of[150], report.copy_of[151], report.copy_of[10]) == (10, -1, -1)
    assert report.redundant[150]


def test_what_was_collected_fits_together(iris):
    *_, report = iris
    assert ((report.score >= 0) & (report.score <= 1)).all()
    assert ((report.agreement >= 0) & (report.agreement <= 1)).all()
    assert (report.learnt_in >= 1).all()
    assert report.gradient_norm[[7, 55, 130]].min() > np.median(report.gradient_norm)
    assert report.cost[[7, 55, 130]].min() > np.quantile(report.cost, 0.9)
    assert report.trainings == 20
    hard = set(report.never_learnt.tolist())
    assert hard <= set(np.flatnonzero(report.unlearnt > 0.5).tolist())
    assert set(report.often_forgotten.tolist()) == set(np.flatnonzero(report.forgotten >= 2).tolist())


def test_in_words(iris):
    *_, report = iris
    lines = str(report).splitlines()
    assert lines[0].startswith("152 rows, classes; judged by 20 trainings in ")
    assert lines[1].startswith(f"suspicious   {len(report.suspicious)} labels (")
    assert "setosa labelled virginica (1)" in lines[2] or "(1)" in lines[2] or "(2)" in lines[2]
    assert any(line.startswith(f"  row {report.ranking[0]}  0.9") for line in lines)
    assert repr(report).startswith("RowsReport(152 rows, classes; 20 trainings")
    found = report.to_dict(rows=5)
    assert len(found["table"]) == 5
    assert found["table"][0]["index"] == report.ranking[0]
    assert sum(way["rows"] for way in found["mislabelled_as"]) <= found["suspicious"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_table_as_a_file(iris, tmp_path, ending):
    *_, report = iris
    path = tmp_path / f"rows{ending}"
    report.write(path)
    table = polars.read_csv(path) if ending == ".csv" else polars.read_parquet(path)
    assert table.columns[:5] == ["index", "score", "label", "prediction", "why"]
    assert table["index"].to_list() == report.ranking.tolist()
    assert table["why"].to_list() == [report.why[row] for row in report.ranking]
    np.testing.assert_allclose(table["score"].to_numpy(), report.score[report.ranking])
    with pytest.raises(OutputPathError, match="exists"):
        report.write(path)
    report.write(path, force=True)
    with pytest.raises(OptionError, match=r"must end in \.csv or \.parquet"):
        report.write(tmp_path / "rows.txt")


def test_the_same_seed_gives_the_same_report_and_leaves_the_network_alone():
    X, y = bl.data.load("iris")
    net = bl.Network([4, 8, 3], activation="tanh", output="softmax", seed=5)
    before = net.parameters.copy()
    one, other, another = (
        bl.rows(X, y, network=net, epochs=4, seeds=1, folds=3, seed=seed).score for seed in (1, 1, 2)
    )
    assert one.tobytes() == other.tobytes() != another.tobytes()
    assert (net.parameters == before).all()


def test_two_classes_on_one_output():
    X, y = bl.data.load("breast-cancer")
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    labels, wrong = flipped(y[:300], 3, classes=2)
    net = bl.Network([30, 20, 1], activation="tanh", output="sigmoid")
    report = bl.rows(X[:300], labels, network=net, seeds=1)
    assert report.task == "classes"
    assert report.label.tolist() == labels.tolist()
    assert wrong[report.ranking[: wrong.sum()]].mean() > 0.6  # one seed of 15 rows; chance is 0.05
    assert report.transitions.shape == (2, 2)


def test_several_labels_at_once():
    X, y = bl.data.load("digits")
    X, y = X[:400], y[:400]
    Y = np.column_stack([y % 2, y > 4, np.isin(y, (0, 6, 8, 9))]).astype(int)
    rows = np.random.default_rng(0).choice(400, 20, replace=False)
    Y[rows, 1] = 1 - Y[rows, 1]
    report = bl.rows(X, Y, seeds=1, epochs=10)
    assert report.task == "labels"
    assert np.isin(report.ranking[:20], rows).mean() > 0.6  # chance is 0.04
    assert "output 1 is " in report.why[report.ranking[0]]
    assert report.prediction.shape == (400, 3)
    assert report.agreement is None
    assert report.to_polars()["label"][0] == " ".join(map(str, Y[report.ranking[0]]))


def test_numbers_by_their_residuals(tmp_path):
    X, y = bl.data.load("diabetes")
    y = y.copy()
    rows = np.random.default_rng(1).choice(len(y), 10, replace=False)
    y[rows] += 600
    report = bl.rows(X, y, seeds=1, epochs=8)
    assert report.task == "numbers"
    assert set(report.ranking[:10].tolist()) == set(rows.tolist())  # 8 standard deviations off
    first = report.ranking[0]
    assert "above the prediction" in report.why[first]
    assert report.out_of_fold[first] == pytest.approx(y[first] - report.prediction[first])
    assert (report.forgotten, report.unlearnt, report.learnt_in, report.transitions) == (None, None, None, None)
    assert "not judged   rows never learnt or forgotten" in str(report)
    for part, words in (
        ("suspicious", "suspicious labels need classes or labels, and the targets are numbers"),
        ("never_learnt", "rows never learnt need classes"),
        ("often_forgotten", "rows forgotten need classes"),
    ):
        with pytest.raises(OptionError, match=words):
            getattr(report, part)
    report.write(tmp_path / "rows.csv")
    assert "forgotten" not in polars.read_csv(tmp_path / "rows.csv").columns


def test_the_contact_sheet(tmp_path):
    matplotlib = pytest.importorskip("matplotlib.image")
    X, y = bl.data.load("digits")
    labels, _ = flipped(y[:300], 0)
    report = bl.rows(X[:300], labels, network=bl.Network([64, 10], output="softmax"), seeds=1, epochs=2, folds=2)
    report.sheet(tmp_path / "sheet.png")
    picture = matplotlib.imread(tmp_path / "sheet.png")
    assert min(picture.shape[:2]) > 500
    assert picture[..., :3].std() > 0.05  # something is drawn
    report.sheet(tmp_path / "few.png", rows=[3, 1])
    assert matplotlib.imread(tmp_path / "few.png").shape[1] < picture.shape[1] / 2
    for arguments, error, words in (
        ({"path": "sheet.jpg"}, OptionError, "must end in .png"),
        ({"path": "other.png", "rows": [300]}, DataError, "there is no row 300"),
        ({"path": "other.png", "rows": []}, OptionError, "one or more numbers of rows"),
        ({"path": "other.png", "shape": (7, 9)}, OptionError, "not the pixels of 7 × 9 images"),
        ({"path": "other.png", "X": X[:10]}, DataError, "X has 10 rows and 300 were judged"),
        ({"path": "sheet.png"}, OutputPathError, "exists"),
    ):
        with pytest.raises(error, match=words):
            report.sheet(**{**arguments, "path": tmp_path / arguments["path"]})


def data(rows=60, columns=3):
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, columns)), np.arange(rows) % 2


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"folds": 1}, OptionError, "folds must be a whole number, at least 2"),
        ({"folds": 100}, DataError, "60 rows cannot be held out in 100 folds"),
        ({"seeds": 0}, OptionError, "seeds of rows must be a whole number"),
        ({"epochs": 0}, OptionError, "epochs of rows must be"),
        ({"batch_size": 0.5}, OptionError, "batch_size of rows must be"),
        ({"seed": -1}, OptionError, "seed must be"),
        ({"network": "mlp"}, OptionError, "network must be a backlit.Network, not str"),
        ({"network": bl.Network([4, 2], output="softmax")}, DataError, "X has 3 columns"),
        ({"task": "klasses"}, OptionError, "did you mean 'classes'"),
        ({"task": "classes", "y": np.zeros((60, 2))}, DataError, "y has 2 columns; classes are one a row"),
        ({"task": "labels", "y": np.arange(60)}, DataError, "labels are 0 or 1"),
        ({"task": "numbers", "y": np.array(["a", "b"] * 30)}, DataError, "y is text"),
        ({"y": np.zeros(60)}, DataError, "y is 0.0 in all of its 60 rows"),
        ({"y": np.zeros(59)}, DataError, "y has 59 rows and X has 60"),
        ({"X": np.full((60, 3), np.nan)}, DataError, "X has NaN at row 0"),
        ({"X": np.zeros(60)}, DataError, "X must be a table"),
        ({"engine": "natiev"}, OptionError, "did you mean 'native'"),
        ({"optimizer": "adamm"}, OptionError, "did you mean 'adam'"),
        ({"learning_rate": -1.0}, OptionError, "learning_rate"),
        ({"sample_weight": np.zeros(60)}, DataError, "sample_weight is (0|zero) for every row"),
    ],
)
def test_bad_input_is_one_line(options, error, words):
    X, y = data()
    given = {"X": X, "y": y, **options}
    with pytest.raises(error, match=words) as failure:
        bl.rows(given.pop("X"), given.pop("y"), **given)
    assert "\n" not in str(failure.value)


def test_a_divergence_names_the_row_of_the_data_as_given():
    X, y = bl.data.load("diabetes")
    net = bl.Network([10, 5, 1])
    with pytest.raises(bl.DivergenceError) as failure:
        bl.rows(X, y, network=net, optimizer="sgd", learning_rate=1e6, epochs=2)
    row = failure.value.where["row"]
    assert row is None or 0 <= row < len(y)


def test_ctrl_c_says_that_nothing_was_judged(monkeypatch):
    from backlit.diagnose.rows import trainings

    def interrupted(*_, **__):
        raise bl.TrainingInterrupted("interrupted in epoch 1")

    monkeypatch.setattr(trainings, "train", interrupted)
    with pytest.raises(bl.TrainingInterrupted, match="before every row was judged"):
        bl.rows(*data())


PAIRS = np.array([0, 1, 2, 8, 9, 5, 6, 7, 3, 4])
"""3 and 8, 4 and 9 in each other's place."""


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "least"), [("uniform", 0.95), ("pairs", 0.93)])
def test_label_noise_on_digits(noise, least):
    X, y = bl.data.load("digits")
    found = []
    for seed in (0, 1, 2):
        labels, wrong = flipped(y, seed)
        if noise == "pairs":
            rows = np.random.default_rng(seed).choice(np.flatnonzero(PAIRS[y] != y), 90, replace=False)
            wrong = np.isin(np.arange(len(y)), rows)
            labels = np.where(wrong, PAIRS[y], y)
        found.append(wrong[bl.rows(X, labels, seed=seed).ranking[: wrong.sum()]].mean())
    assert np.mean(found) >= least
