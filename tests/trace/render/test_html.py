"""The page as text: self-contained, small, safe, and made from the record. A browser opens it in test_browser."""

import json
import re

import numpy as np
import pytest

import backlit as bl
from backlit.trace.examples import EXAMPLES, example
from backlit.trace.words.table import SENTENCES


def data(html):
    return json.loads(re.search(r'<script type="application/json" id="trace">(.*?)</script>', html, re.S)[1])


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_file_that_asks_nothing_of_any_network(name):
    html = example(name).trace().to_html()
    assert not re.search(r'(?:src|href)\s*=\s*"(?!data:)', html)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|import\(|@import|url\(", html)
    assert "default-src 'none'" in html
    assert len(html.encode()) < 2_000_000
    assert not re.search(r"/\*(css|script|data)\*/", html)


def test_the_record_in_the_page_is_the_record():
    t = example("three-layers").trace()
    assert data(t.to_html())["record"] == json.loads(t.to_json())


def test_every_sentence_the_page_says_is_in_both_languages():
    html = example("mazur").trace().to_html()
    said = set(re.findall(r'say\(\s*"([\w.]+)"', html)) | set(re.findall(r'data-say="([\w.]+)"', html))
    said |= {
        key
        for key in re.findall(r'"((?:say|page|part|factor|kind|note|paths|eq)\.[\w.]+)"', html)
        if not key.endswith(".")
    }
    assert len(said) > 30
    for key in said:
        assert all(SENTENCES[key]), key


def test_nothing_in_the_data_ends_its_element():
    class Hostile(bl.activations.Elementwise):
        name = "</script><script>alert(1)</script>"

        def value(self, z):
            return z

        def slope(self, z, a):
            return np.ones_like(z)

    net = bl.Network([2, 2, 1], activation=Hostile(), dtype="float64")
    html = bl.trace(net, [1.0, 2.0], [0.0]).to_html()
    assert "<script>alert" not in html
    assert data(html)["editable"] is False  # the page cannot run a function it does not know


def test_a_large_network_is_cut_to_its_largest_parts_and_says_so():
    net = bl.Network([300, 50, 10], output="softmax", seed=0)
    t = bl.trace(net, np.random.default_rng(0).random(300), 3)
    held = data(t.to_html())
    assert [len(held["neurons"][l]) for l in "123"] == [24, 24, 10]
    largest = np.sort(np.argsort(-np.abs(t.delta(2)[0]), kind="stable")[:24]).tolist()
    assert held["neurons"]["2"] == largest
    assert held["page_notes"][0][0] == "page.largest"
    assert held["record"]["delta"]["2"] == [t.delta(2)[0, largest].astype(float).tolist()]


def test_a_pass_that_is_not_finite_is_refused_by_name():
    net = bl.Network([1, 1, 1], dtype="float64")
    net.parameters[:] = 1e200
    with pytest.raises(bl.OptionError, match=r"z layer 3 neuron 0 row 0 is ∞.*a page needs a whole pass"):
        bl.trace(net, [1.0], [0.0]).to_html()


def test_misspelt_options_get_the_nearest():
    with pytest.raises(bl.OptionError, match="did you mean 'nielsen'"):
        example("mazur").trace().to_html(notation="nielse")
    with pytest.raises(bl.OptionError, match="lang 'fr' is not known"):
        example("mazur").trace().to_html(lang="fr")
