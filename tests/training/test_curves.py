"""The learning curve: what is in it, as text and as a figure."""

import sys
from pathlib import Path

import numpy as np
import pytest

from backlit.errors import OptionError, OutputPathError
from backlit.training import curves
from backlit.training.history import EpochRecord, History


def history(epochs: int = 5, **columns: list[float]) -> History:
    plain = {"steps": 10, "penalty": 0.0, "learning_rate": 0.1, "seconds": 1.0}
    optional = dict.fromkeys(["accuracy", "validation_cost", "validation_accuracy", "validation_r2"], [None] * epochs)
    of_epoch = [{name: column[i] for name, column in {**optional, **columns}.items()} for i in range(epochs)]
    return History([EpochRecord(epoch=i + 1, cost=2.0 / (i + 1), **plain, **of_epoch[i]) for i in range(epochs)])


CLASSES = history(
    accuracy=[0.5, 0.6, 0.7, 0.8, 0.9], validation_cost=[2.5, 1.5, 1.25, 1.5, 1.75],
    validation_accuracy=[0.4, 0.5, 0.625, 0.75, 0.7],
)  # fmt: skip
NUMBERS = history(validation_cost=[2.5, 1.5, 1.25, 1.5, 1.75], validation_r2=[-3.0, 0.1, 0.2, 0.3, 0.4])


def test_the_panels_hold_the_columns_of_the_history() -> None:
    assert curves.panels(CLASSES) == {
        "cost": {"training": [2.0, 1.0, 2 / 3, 0.5, 0.4], "validation": [2.5, 1.5, 1.25, 1.5, 1.75]},
        "accuracy": {"training": [0.5, 0.6, 0.7, 0.8, 0.9], "validation": [0.4, 0.5, 0.625, 0.75, 0.7]},
    }
    assert list(curves.panels(NUMBERS)) == ["cost", "R²"]
    assert curves.panels(NUMBERS)["R²"] == {"validation": [-3.0, 0.1, 0.2, 0.3, 0.4]}
    assert curves.panels(history()) == {"cost": {"training": [2.0, 1.0, 2 / 3, 0.5, 0.4]}}


def test_without_an_epoch_there_is_nothing_to_draw() -> None:
    for draw in (curves.panels, curves.draw_text, curves.draw_figure):
        with pytest.raises(OptionError, match="no epoch was completed"):
            draw(History())


def test_the_text_names_the_panels_their_lines_and_the_last_values() -> None:
    text = curves.draw_text(CLASSES)
    for label in ("cost", "accuracy", "epoch", "training 0.4", "validation 1.75", "training 90", "validation 70"):
        assert label in text, text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 72
    assert "R²" in curves.draw_text(NUMBERS)


def test_the_text_draws_the_curve_where_it_lies() -> None:
    """A cost that falls begins at the top left and ends at the bottom right."""
    lines = curves.draw_text(history(20), width=40, height=12).splitlines()
    marks = [(row, column) for row, line in enumerate(lines) for column, sign in enumerate(line) if sign == "•"]
    inside = [(row, column) for row, column in marks if "training" not in lines[row]]
    assert len(inside) >= 10
    assert min(inside, key=lambda at: at[1])[0] < max(inside, key=lambda at: at[1])[0]


@pytest.mark.parametrize(("width", "height"), [(72, 14), (30, 10), (120, 30)])
@pytest.mark.parametrize("epochs", [1, 2, 7, 300])
def test_any_size_and_any_number_of_epochs_can_be_drawn(width: int, height: int, epochs: int) -> None:
    rng = np.random.default_rng(epochs)
    drawn = history(
        epochs, accuracy=rng.uniform(0, 1, epochs).tolist(), validation_cost=rng.uniform(0, 9, epochs).tolist(),
        validation_accuracy=[1.0] * epochs,
    )  # fmt: skip
    text = curves.draw_text(drawn, width, height)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("epoch") == 2


def test_values_that_are_not_finite_leave_a_gap() -> None:
    drawn = history(validation_cost=[np.inf, np.nan, 1.0, 2.0, np.nan])
    line = curves.panels(drawn)["cost"]["validation"]
    assert np.isnan(line).tolist() == [True, True, False, False, True]
    assert "validation" in curves.draw_text(drawn)
    assert "validation" not in curves.draw_text(history(validation_cost=[np.nan] * 5))


def test_the_figure_has_the_right_lines() -> None:
    pytest.importorskip("matplotlib")
    figure = curves.draw_figure(CLASSES, best_epoch=3)
    assert [axes.get_ylabel() for axes in figure.axes] == ["cost", "accuracy"]
    for axes, (_, lines) in zip(figure.axes, curves.panels(CLASSES).items(), strict=True):
        drawn = {line.get_label(): line for line in axes.get_lines()}
        assert set(drawn) == {*lines, "best epoch, 3"}
        for name, values in lines.items():
            assert list(drawn[name].get_xdata()) == [1, 2, 3, 4, 5]
            assert list(drawn[name].get_ydata()) == values
        assert list(drawn["best epoch, 3"].get_xdata()) == [3, 3]
        assert axes.get_xlabel() == "epoch"
        assert {text.get_text() for text in axes.get_legend().get_texts()} == set(drawn)
    assert len(curves.draw_figure(history()).axes) == 1


@pytest.mark.parametrize(
    ("ending", "starts"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_it_is_written_as_its_ending_says(ending: str, starts: bytes, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve.{ending}"
    curves.draw_figure(CLASSES, path)
    assert path.read_bytes().startswith(starts)
    with pytest.raises(OutputPathError, match="exists"):
        curves.draw_figure(CLASSES, path)
    curves.draw_figure(CLASSES, path, force=True)


def test_a_path_that_cannot_be_drawn_to_is_found_before_the_training(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curves.check_plot_path(tmp_path / "curve.png", force=False)
    assert not list(tmp_path.iterdir())
    for name in ("curve", "curve.txt", "png"):
        with pytest.raises(OptionError, match=r"its name must end in \.png, \.svg, \.pdf"):
            curves.check_plot_path(tmp_path / name, force=False)
    with pytest.raises(OutputPathError, match="its folder does not exist"):
        curves.check_plot_path(tmp_path / "no" / "curve.png", force=False)


def test_without_matplotlib_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    for draw in (
        lambda: curves.draw_figure(CLASSES),
        lambda: curves.check_plot_path(tmp_path / "curve.png", force=False),
    ):
        with pytest.raises(OptionError, match=r"needs matplotlib: pip install 'backlit\[plot\]'"):
            draw()
    assert curves.draw_text(CLASSES)  # the text needs none
