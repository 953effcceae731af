"""Every example runs as a reader would run it, and says what it promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MNIST = ROOT.parent / "shared" / "data" / "mnist"


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def number_after(words, text):
    found = re.search(re.escape(words) + r"\s*(-?[\d.]+(?:e-?\d+)?)", text)
    assert found, f"{words!r} is not in:\n{text}"
    return float(found[1])


def test_every_example_has_a_test():
    tested = set(re.findall(r'run\("(\d\d_\w+\.py)"', Path(__file__).read_text()))
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_one_neuron_by_hand_and_by_backlit_agree():
    said = run("01_one_neuron.py")
    assert number_after("largest difference:", said) < 1e-15  # a few roundings of numbers below 1
    before, after = (float(n) for n in re.search(r"0\.5: ([\d.]+), after: ([\d.]+)", said).groups())
    assert after < before


def test_xor_needs_a_hidden_layer():
    said = run("02_xor.py")
    assert number_after("without a hidden layer: cost", said) == pytest.approx(0.6931, abs=1e-3)  # ln 2
    assert number_after("with four hidden neurons: cost", said) < 0.01
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert abs(number_after(f"{a} xor {b} = {a ^ b}, the network says", said) - (a ^ b)) < 0.1


def test_digits_are_learnt_and_saved():
    said = run("03_digits.py")
    assert number_after("test rows, which chose nothing:", said) > 93  # one seed of a mean of 97 on 360 rows: -4 σ
    assert "it predicts the same bits: True" in said


def test_classic_mnist_on_a_few_hundred_rows():
    if not MNIST.exists():
        pytest.skip("the MNIST files are not beside the checkout")
    said = run("04_classic_mnist.py", MNIST, "--rows", 500, "--epochs", 6)
    assert len(re.findall(r"Epoch \d: \d+ / 10000", said)) == 6
    assert number_after("as the original does:", said) > 50  # 500 rows, 6 epochs: chance is 10


def test_three_layers_row_by_row_and_at_once():
    said = run("05_three_layers.py")
    assert number_after("row by row and at once differ by at most", said) < 1e-13  # sums of 200 terms below 1
    assert number_after("accuracy on its own 200 rows:", said) > 90


def test_a_trace_in_backlits_notation_has_the_published_numbers(tmp_path):
    said = run("12_trace_backlit.py", tmp_path / "page.html")
    assert number_after("largest difference:", said) < 1e-9  # printed to nine places
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_a_trace_in_nielsens_notation_agrees_with_column_vectors():
    said = run("07_trace_nielsen.py")
    assert "∂C/∂w²₂₁ = a¹₁ · δ²₂" in said
    assert number_after("the gradients differ by at most", said) < 1e-15


def test_a_trace_in_ngs_notation_agrees_with_accumulators():
    said = run("08_trace_ng.py")
    assert "D⁽¹⁾₁₁ = 1 / m · Δ⁽¹⁾₁₁ + λ / m · Θ⁽¹⁾₁₁" in said
    assert number_after("D differs by at most", said) < 1e-15


def test_a_trace_by_the_previous_layer_agrees_with_the_recursion_by_hand():
    said = run("09_trace_previous_layer.py")
    assert "the output is 0.68, the cost 0.1024, and dC/da -0.64" in said
    assert number_after("the gradients differ by at most", said) < 1e-15


def test_a_model_file_is_read_without_backlit(digits_model):
    said = run("10_read_a_model_file.py")
    assert number_after("largest difference from Backlit:", said) < 1e-15  # a softmax of float64, sums of 8 terms
    assert '"sizes": [\n    64,\n    10\n  ]' in run("10_read_a_model_file.py", digits_model)


@pytest.fixture
def digits_model(tmp_path):
    import backlit as bl

    bl.save(bl.Network([64, 10], output="softmax"), tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def test_wrong_labels_are_found_and_predictions_traced_to_their_rows(tmp_path):
    said = run("11_wrong_labels.py", tmp_path)
    assert number_after("of the first 45 rows of the ranking,", said) > 75  # chance is 5
    assert number_after("of the 20 rows that pushed it up most,", said) > 75  # chance is 10
    assert "W³[7, 2] in epoch 1: from" in said
    assert (tmp_path / "rows.csv").stat().st_size > 10_000


def test_a_table_from_a_csv_to_rents_in_their_own_units():
    said = run("06_table.py")
    assert "id: left out: text with 2,400 different values in 2,400 cells" in said
    assert "district: 4 values: 4 with an input each" in said
    assert number_after("R² on 800 rows that chose nothing:", said) > 0.9  # of 0.96; the mean would have 0


def test_networks_that_do_not_learn_are_mended():
    said = run("13_my_network_does_not_learn.py")
    assert number_after("a stack of sigmoids: accuracy", said) < 20
    assert "σ'" in said
    assert number_after("with the remedy:", said) > 90
    assert number_after("too high a learning rate: accuracy", said) < 50
    assert number_after("of the rows it names,", said) > 80
    assert number_after("trained with it:", said) > 90  # of 96 to 97 with other seeds
    assert "would give accuracy" in said
