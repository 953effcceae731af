"""An evaluation in words and as a picture: what stands in it is what was counted."""

import numpy as np
import pytest

from backlit.cli import evaluation
from backlit.metrics import Evaluation

RNG = np.random.default_rng(1)
COUNTS = np.array([[4, 1], [0, 1200]])
PETALS = Evaluation("classes", "iris", np.zeros(0), np.zeros(0), {"accuracy": 0.9}, ("setosa", "virginica"), COUNTS)


def of_numbers(rows, outputs=None):
    truth = RNG.normal(size=rows if outputs is None else (rows, outputs))
    return Evaluation("numbers", "price", truth, truth + 0.1, {"r2": 0.5})


def many(confusion):
    return Evaluation("classes", "y", np.zeros(0), np.zeros(0), {}, tuple(range(len(confusion))), confusion)


def test_the_matrix_with_recall_and_precision(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert evaluation.in_words(PETALS, "1,205 test rows").splitlines() == [
        "confusion matrix, 1,205 test rows",
        "true ↓ answer →  setosa  virginica    recall  precision",
        "setosa                4          1   80.00 %   100.00 %",
        "virginica             0      1,200  100.00 %    99.92 %",
    ]


def test_of_many_classes_the_most_frequent_mistakes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    confusion = 9 * np.eye(30, dtype=np.int64)
    assert evaluation.in_words(many(confusion), "all 270 rows") == "no mistakes, all 270 rows"
    confusion[3, 17], confusion[5, 4] = 2, 11
    assert evaluation.in_words(many(confusion), "all 283 rows").splitlines() == [
        "the most frequent mistakes, all 283 rows", "11 of 20  5  taken for  4", "2 of 11   3  taken for  17",
    ]  # fmt: skip


def test_numbers_and_labels_have_no_words_of_their_own():
    assert evaluation.in_words(of_numbers(5), "all 5 rows") == ""


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """The figure that was to be written."""
    pytest.importorskip("matplotlib")
    from backlit.training import curves

    def draw(found):
        figures = []
        with monkeypatch.context() as patch:
            patch.setattr(curves, "write_figure", lambda figure, path, force: figures.append(figure))
            evaluation.draw(found, tmp_path / "drawn.png", "9 rows", force=False)
        figures[0].canvas.draw()
        return figures[0]

    return draw


def test_the_picture_of_classes_holds_their_counts_and_shares(drawn):
    figure = drawn(PETALS)
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0, 1]]
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "4"), ((1, 0), "1"), ((1, 1), "1,200"),
    }  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == ["setosa", "virginica"]
    assert figure.get_suptitle() == "iris: 9 rows\naccuracy 90.00 %"


def test_the_picture_of_many_classes(drawn):
    axes = drawn(many(np.ones((100, 100), dtype=np.int64))).axes[0]
    assert (len(axes.texts), len(axes.get_xticks())) == (0, 34)


@pytest.mark.parametrize("outputs", [None, 1, 2, 5])
def test_the_picture_of_numbers_has_a_panel_a_target(outputs, drawn):
    found = of_numbers(40, outputs)
    shown = [axes for axes in drawn(found).axes if axes.get_visible()]
    assert len(shown) == (outputs or 1)
    for k, axes in enumerate(shown):
        x, y = axes.lines[0].get_data()
        assert x == pytest.approx(found.truth.reshape(40, -1)[:, k])
        assert y == pytest.approx(found.answers.reshape(40, -1)[:, k])


def test_the_picture_of_many_numbers_counts_them(drawn):
    axes = drawn(of_numbers(5000)).axes[0]
    assert sum(axes.collections[0].get_array()) == 5000


def test_the_picture_of_labels_has_a_bar_each(drawn):
    truth = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    axes = drawn(Evaluation("labels", "y", truth, np.array([[0, 1, 0]] * 4), {"label_accuracy": 0.5})).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.75, 0.25]


def test_a_class_whose_name_commands_the_terminal_is_printed_without_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = Evaluation("classes", "y", np.zeros(0), np.zeros(0), {}, ("a\x1b[31m", "b"), np.eye(2, dtype=np.int64))
    assert "\x1b" not in evaluation.in_words(found, "all 2 rows")
