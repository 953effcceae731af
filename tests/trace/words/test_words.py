"""Words: from the pass's own numbers, in two languages, plainly or as a company."""

import re
import string

import numpy as np
import pytest

import backlit as bl
from backlit.trace.examples import example
from backlit.trace.figures import figure
from backlit.trace.words.table import LANGUAGES, SENTENCES, say
from backlit.trace.words.telling import tell


def test_every_sentence_has_the_same_braces_in_both_languages():
    for key, texts in SENTENCES.items():
        assert len(texts) == len(LANGUAGES)
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]
        assert fields[0] == fields[1], key
        assert re.search(r"[\u4e00-\u9fff]", texts[1]), key


def numbers(text):
    return re.findall(r"[−+]?\d[\d.]*(?:e−?\d+)?", text)


@pytest.mark.parametrize("voice", ["plain", "company"])
def test_both_languages_tell_the_same_numbers(voice):
    t = example("2-3-1").trace(learning_rate=2.0, steps=2)
    english, chinese = (tell(t, lang=lang, voice=voice) for lang in LANGUAGES)
    assert sorted(n.rstrip(".") for n in numbers(english)) == sorted(n.rstrip(".") for n in numbers(chinese))


def test_plain_words_say_the_passs_numbers():
    t = example("mazur").trace()
    text = t.to_words()
    for l in (2, 3):
        for values in (t.z(l), t.a(l), t.delta(l)):
            assert all(figure(float(v), 4) in text for v in values[0])
    assert "Output 0 is 0.7514, and should be 0.01: too high by 0.7414." in text
    assert "Output 1 is 0.7729, and should be 0.99: too low by 0.2171." in text
    assert "were its weighted input larger, the cost would fall" in text


def test_the_sign_of_an_error_is_told_as_finite_differences_see_it():
    t = example("mazur").trace()
    for j in range(2):
        up = t.network.copy()
        up.layer(2).b[j] += 1e-4
        rises = bl.trace(up, t.X, t.Y, cost="quadratic").cost.total > t.cost.total
        error, way = figure(float(t.delta(2)[0, j]), 4), "rise" if rises else "fall"
        said = f"neuron {j} of layer 2 is {error}: were its weighted input larger, the cost would {way}."
        assert said in t.to_words()


def test_the_company_changes_trust_by_what_was_said_times_the_blame():
    t = example("2-3-1").trace(learning_rate=2.0, steps=3)
    text = t.to_words(voice="company")
    for step in t.steps:
        W = t.network.split(step.update)[3][0]
        said = -2.0 * step.pass_.delta(3)[0, 0] * step.pass_.a(2)[0]
        assert np.allclose(W[0], said, rtol=1e-12)
        assert f"department 0 +{figure(float(W[0, 0]), 3)}" in text
    assert text.count("Blame for the head") == 3
    assert "After 3 day(s) the cost has gone from" in text


def test_a_large_network_is_no_company():
    with pytest.raises(bl.OptionError, match="too large to be told by name"):
        tell(example("digits").trace(), voice="company")
    assert "are not told" in example("digits").trace().to_words()


def test_what_is_not_known_is_named():
    with pytest.raises(bl.OptionError, match="did you mean 'company'"):
        example("mazur").trace().to_words(voice="compny")
    with pytest.raises(bl.OptionError, match="lang 'de' is not known"):
        say("eq.z", "de")
