"""The LaTeX: it compiles, in every notation, and holds the numbers."""

import shutil
import subprocess

import numpy as np
import pytest

import backlit as bl
from backlit.trace import notations
from backlit.trace.examples import example

ENGINE = next(filter(None, map(shutil.which, ("pdflatex", "lualatex", "xelatex", "tectonic"))), None)


def compiled(text, folder):
    (folder / "pass.tex").write_text(text, encoding="utf-8")
    flags = [] if ENGINE.endswith("tectonic") else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([ENGINE, *flags, "pass.tex"], cwd=folder, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(errors="replace")[-2000:]


@pytest.mark.skipif(ENGINE is None, reason="no TeX engine here")
@pytest.mark.parametrize("notation", notations.NOTATIONS)
def test_it_compiles(notation, tmp_path):
    rng = np.random.default_rng(0)
    wide = bl.Network([12, 11, 3], activation="relu", output="softmax", dtype="float64")
    traces = {
        "mazur": example("mazur").trace(),
        "three-layers": example("three-layers").trace(sample_weight=[1, 2, 3, 4, 5]),
        "wide": bl.trace(wide, rng.normal(size=(2, 12)), [0, 2], cost="quadratic", l2=0.1),
    }
    for name, t in traces.items():
        code, said = compiled(t.to_latex(notation=notation, derive=True), tmp_path)
        assert code == 0, f"{name}: {said}"


@pytest.mark.skipif(ENGINE is None, reason="no TeX engine here")
def test_a_broken_document_would_be_seen(tmp_path):
    code, _ = compiled(example("mazur").trace().to_latex().replace(r"\end{align*}", "", 1), tmp_path)
    assert code != 0


def test_it_holds_the_formulas_and_the_numbers():
    text = example("mazur").trace().to_latex(notation="ng", digits=9)
    assert r"\Theta^{(1)}_{10}" in text
    assert "0.0821670406" in text
    assert r"D^{(2)}_{11} &= \frac{1}{m} \cdot \Delta^{(2)}_{11}" in text
    assert "BP4, gradient of the weights" in text
    assert r"\documentclass[11pt,a4paper]{ctexart}" in example("mazur").trace().to_latex(lang="zh")


def test_braces_close_what_they_open():
    for notation in notations.NOTATIONS:
        text = example("three-layers").trace().to_latex(notation=notation, derive=True)
        plain = text.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")
        assert text.count(r"\left(") == text.count(r"\right)")
