"""The lens to look at: the table says the record's own numbers, and the curves are drawn from it."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.pictures import draw_figure, draw_text, sparkline


@pytest.fixture(scope="module")
def record():
    X, y = bl.data.load("iris")
    lens = bl.Lens()
    bl.train(
        bl.Network([4, 8, 3], activation="relu", output="softmax"), X, y, epochs=20, callbacks=[lens], progress=False
    )
    return lens.record


def test_the_table_has_the_first_and_the_last_tenth(record):
    lines = draw_text(record, 80).splitlines()
    assert lines[0] == "100 steps recorded, 0 to 99, by the native engine" or "reference" in lines[0]
    layer = lines.index("layer 2  4 → 8, relu")
    shown = next(line for line in lines[layer:] if "RMS of δ" in line).split()
    assert float(shown[3]) == pytest.approx(record.delta_rms[:10, 0].mean(), rel=6e-3)
    assert float(shown[-1]) == pytest.approx(record.delta_rms[-10:, 0].mean(), rel=6e-3)
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("layer") for line in lines) == 2


def test_sparklines():
    assert sparkline(np.linspace(0, 1, 8), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([1.0, 1.0]), 4) == "▄▄"
    assert sparkline(np.array([0.0, 1.0, 10.0]), 3, by_log=True)[0] == "▁"
    assert sparkline(np.array([np.nan, 1.0, 2.0]), 3) == "×▁█"
    assert len(sparkline(np.arange(1000.0), 30)) == 30


def test_the_figure_draws_a_line_a_layer(record, tmp_path):
    figure = draw_figure(record, tmp_path / "lens.png")
    assert (tmp_path / "lens.png").read_bytes().startswith(b"\x89PNG")
    panels = {axes.get_title(): axes for axes in figure.axes}
    lines = panels["RMS of δ"].get_lines()
    assert [line.get_label() for line in lines] == ["layer 2", "layer 3"]
    assert lines[0].get_ydata() == pytest.approx(record.delta_rms[:, 0])
    with pytest.raises(bl.OutputPathError):
        draw_figure(record, tmp_path / "lens.png")
    with pytest.raises(bl.OptionError, match="must end in"):
        draw_figure(record, tmp_path / "lens.bmp")


def test_nothing_to_draw(record):
    with pytest.raises(bl.OptionError, match="no step was recorded"):
        draw_text(record.between(0, 0))
    with pytest.raises(bl.OptionError, match="no step was recorded"):
        draw_figure(record.between(0, 0))


def test_a_diverged_training_is_drawn_too():
    X, y = bl.data.load("iris")
    lens = bl.Lens()
    with pytest.raises(bl.DivergenceError):
        bl.train(
            bl.Network([4, 8, 3]),
            X,
            np.eye(3)[y],
            optimizer="sgd",
            learning_rate=1e20,
            callbacks=[lens],
            progress=False,
        )
    text = lens.text()
    assert "training diverged in epoch 1" in text
    assert "×" in text
    lens.plot()
