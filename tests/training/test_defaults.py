"""The rules for what nobody asked for: their numbers by hand, and that what was asked for has its way."""

from math import exp, sqrt

import numpy as np
import pytest

import backlit as bl
from backlit.optimizers import SGD, Adam, AdamW, Plan, schedules
from backlit.training import defaults
from backlit.training.defaults import choose


def test_of_a_table_of_middling_size():
    found = choose(20_000, 110, "classes")
    assert (found.layers, found.activation, found.dropout, found.label_smoothing) == ((128, 128), "relu", 0.0, 0.0)
    assert (found.optimizer, found.learning_rate, found.schedule) == ("adamw", 0.003, "one-cycle")
    assert (found.batch_size, found.epochs) == (32, 30)
    assert found.chosen == defaults.OPTIONS
    assert choose(20_000, 110, "numbers").activation == "gelu"


@pytest.mark.parametrize(
    ("rows", "batch", "epochs"),
    [
        (10, 10, 200), (90, 32, 167), (282, 32, 56), (1077, 32, 30), (50_000, 32, 30), (50_001, 64, 30),
        (100_001, 128, 30), (1_000_000, 512, 30), (2_000_000, 512, 15), (100_000_000, 512, 5),
    ],
)  # fmt: skip
def test_how_long_it_is(rows, batch, epochs):
    """At least 500 steps by up to 200 epochs, at most 30 million rows, but 5 epochs; a batch doubles with the rows."""
    found = choose(rows, 5, "numbers")
    assert (found.batch_size, found.epochs) == (batch, epochs)


@pytest.mark.parametrize(("batch", "rate"), [(1, 0.001), (32, 0.003), (128, 0.006), (10_000, 0.01)])
def test_the_learning_rate_goes_with_the_root_of_the_batch(batch, rate):
    assert choose(20_000, 5, "numbers", given={"batch_size": batch}).learning_rate == pytest.approx(rate)
    expected = 0.003 * sqrt(2)
    assert choose(20_000, 5, "numbers", given={"batch_size": 64}).learning_rate == pytest.approx(expected)


@pytest.mark.parametrize(("task", "D"), [("numbers", 1), ("classes", 2), ("labels", 2)])
@pytest.mark.parametrize(
    "given", [{}, {"epochs": 7}, {"learning_rate": 0.0005}, {"schedule": "cosine"}, {"schedule": "constant"}]
)
def test_the_decay_of_all_steps_together(given, task, D):
    """The product of all steps' 1 - η_t·decay is e^-D, whatever was asked for; the schedules' means are near enough."""
    found = choose(3_000, 5, task, given=given)
    per_epoch = 94
    plan = Plan(per_epoch, found.epochs)
    rates = schedules.get(found.schedule).factors(0, plan.steps, plan) * found.learning_rate
    assert np.prod(1 - rates * found.weight_decay) == pytest.approx(exp(-D), rel=0.05)


def test_the_decay_of_a_step_has_an_end():
    found = choose(90, 4, "classes", given={"epochs": 1})
    assert found.learning_rate * found.weight_decay == pytest.approx(0.02)


def test_pixels_do_not_decay():
    found = choose(1077, 64, "classes", pixels=True)
    assert (found.weight_decay, found.optimizer) == (0.0, "adam")
    assert found.make_optimizer() == Adam(0.003)
    assert "64 pixels" in str(found)


def test_what_the_optimizer_is_made_with():
    found = choose(3_000, 5, "numbers")
    assert found.make_optimizer() == AdamW(0.003, weight_decay=found.weight_decay)
    assert found.weight_decay > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", SGD(0.1, momentum=0.9)])
def test_who_asks_for_an_optimizer_gets_it_plain(optimizer):
    found = choose(3_000, 5, "numbers", given={"optimizer": optimizer})
    assert found.make_optimizer() is optimizer
    assert (found.learning_rate, found.weight_decay, found.schedule) == (None, 0.0, "constant")


def test_lbfgs_takes_all_rows_at_once():
    assert choose(3_000, 5, "numbers", given={"optimizer": "lbfgs"}).batch_size is None
    assert choose(3_000, 5, "numbers", given={"optimizer": bl.optimizers.LBFGS()}).batch_size is None


def test_l2_takes_the_place_of_the_decay():
    assert choose(3_000, 5, "numbers", given={"l2": 1.0}).weight_decay == 0
    assert choose(3_000, 5, "numbers", given={"l2": 0.0}).weight_decay > 0


GIVEN = {
    "layers": (), "activation": "elu", "dropout": 0.0, "label_smoothing": 0.0, "optimizer": "sgd", "learning_rate": 0.1,
    "schedule": "step", "batch_size": "all", "epochs": 1,
}  # fmt: skip


@pytest.mark.parametrize("option", defaults.OPTIONS)
def test_what_was_given_stays_and_is_not_said_to_be_chosen(option):
    """Also what is nothing or 0: no hidden layer is an answer."""
    found = choose(3_000, 5, "classes", given={option: GIVEN[option]})
    assert getattr(found, option) == GIVEN[option]
    assert option not in found.chosen
    assert option not in found.to_dict()


def test_none_is_as_good_as_nothing():
    assert choose(3_000, 5, "classes", given=dict.fromkeys(defaults.OPTIONS)) == choose(3_000, 5, "classes")


def test_where_all_was_given_nothing_is_said():
    found = choose(3_000, 5, "classes", given=GIVEN)
    assert (str(found), found.to_dict(), found.chosen) == ("", {}, ())


def test_in_a_line():
    words = str(choose(1, 1, "numbers", given={"layers": (20, 10), "epochs": 3, "schedule": "constant"}))
    assert words.startswith("gelu, adamw (weight decay ")
    assert words.endswith("), learning rate 0.001, batches of 1; for 1 row × 1 column to numbers")
    assert str(choose(3_000, 5, "classes")).startswith("2 × 128, relu, adamw (weight decay 0.473), learning rate 0.003")


def test_as_plain_data():
    found = choose(3_000, 5, "classes", given={"epochs": 30}).to_dict()
    assert found == {
        "layers": [128, 128], "activation": "relu", "dropout": 0.0, "label_smoothing": 0.0, "optimizer": "adamw",
        "weight_decay": found["weight_decay"], "learning_rate": 0.003, "schedule": "one-cycle", "batch_size": 32,
        "for": "3,000 rows × 5 columns to classes",
    }  # fmt: skip
