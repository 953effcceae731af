import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from backlit.data.splits import TEST, VALIDATION, can_stratify, hold_out, split
from backlit.errors import BacklitError, DataError, OptionError
from backlit.randomness import split_state


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 80),
    validation=st.sampled_from([0, 0.1, 0.25, 0.5, 0.9]),
    test=st.sampled_from([0, 0.1, 0.2, 0.7]),
    classes=st.integers(1, 5),
    seed=st.integers(0, 2**64 - 1),
    stratify=st.booleans(),
)
def test_the_parts_are_every_row_once_in_ascending_order(rows, validation, test, classes, seed, stratify):
    y = np.arange(rows) % classes
    held_out = [int(np.ceil(round(share * rows, 9))) for share in (validation, test)]
    if validation + test >= 1 or sum(held_out) >= rows:
        with pytest.raises(BacklitError, match=r"leave nothing to train on|leave none to train on"):
            split(y, validation=validation, test=test, seed=seed, stratify=stratify)
        return
    parts = split(y, validation=validation, test=test, seed=seed, stratify=stratify)
    everything = [parts.train, parts.validation, parts.test]
    np.testing.assert_array_equal(np.sort(np.concatenate(everything)), np.arange(rows))
    assert all((np.diff(part) > 0).all() and part.dtype == np.int64 for part in everything)
    assert [len(parts.validation), len(parts.test)] == held_out


def test_the_draw_is_scikit_learns_from_the_streams_of_the_seed():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    rest, test = train_test_split(np.arange(100), test_size=0.2, random_state=split_state(7, 0), stratify=y)
    rest.sort()  # the validation is drawn out of the rest in the order of the rows
    train, validation = train_test_split(rest, test_size=30, random_state=split_state(7, 1), stratify=y[rest])
    parts = split(y, validation=0.3, test=0.2, seed=7, stratify=True)
    np.testing.assert_array_equal(parts.test, np.sort(test))
    np.testing.assert_array_equal(parts.validation, np.sort(validation))
    np.testing.assert_array_equal(parts.train, np.sort(train))


def test_classes_keep_their_shares():
    y = np.repeat(["a", "b", "c"], [50, 30, 20])
    parts = split(y, validation=0.2, test=0.1, seed=0, stratify=True)
    for part, share in ((parts.test, 0.1), (parts.validation, 0.2), (parts.train, 0.7)):
        for label, count in (("a", 50), ("b", 30), ("c", 20)):
            assert (y[part] == label).sum() == pytest.approx(count * share, abs=1e-9)  # all are whole numbers of rows


def test_without_stratifying_the_classes_play_no_part():
    one, other = np.repeat([0, 1], 50), np.tile([0, 1], 50)
    drawn = [split(y, validation=0.2, test=0.2, seed=0, stratify=False).test for y in (one, other)]
    np.testing.assert_array_equal(*drawn)
    stratified = [split(y, validation=0.2, test=0.2, seed=0, stratify=True).test for y in (one, other)]
    assert not np.array_equal(*stratified)


def test_the_test_rows_do_not_depend_on_the_validation():
    y = np.arange(60) % 3
    alone = split(y, validation=0, test=0.2, seed=3, stratify=True).test
    np.testing.assert_array_equal(split(y, validation=0.3, test=0.2, seed=3, stratify=True).test, alone)


def test_seeds_and_splits_draw_apart():
    y = np.zeros(100)
    drawn = [
        hold_out(y, 0.5, seed=seed, which=which, stratify=False)[1].tolist() for seed in (0, 1) for which in (0, 1)
    ]
    assert len({tuple(rows) for rows in drawn}) == 4
    again = hold_out(y, 0.5, seed=0, which=TEST, stratify=False)[1].tolist()
    assert again == drawn[0]


@pytest.mark.parametrize(
    ("y", "held_out", "can"),
    [
        (np.array([0, 0, 1, 1]), 2, True),
        (np.array([0, 0, 1]), 2, False),  # a class of one row
        (np.arange(4).repeat(2), 3, False),  # four classes do not fit three rows
        (np.arange(4).repeat(2), 5, False),
        (np.arange(4).repeat(2), 4, True),
        (np.zeros((4, 2)), 2, False),
    ],
)
def test_where_rows_cannot_be_stratified_they_are_shuffled_plainly(y, held_out, can):
    assert can_stratify(y, held_out) == can
    share = held_out / len(y)
    kept, apart = hold_out(y, share, seed=0, which=VALIDATION, stratify=True)
    assert (len(kept), len(apart)) == (len(y) - held_out, held_out)
    if not can:
        np.testing.assert_array_equal(apart, hold_out(y, share, seed=0, which=VALIDATION, stratify=False)[1])


def test_nothing_held_out_is_every_row_kept():
    kept, apart = hold_out([5.0, 6.0, 7.0], 0, seed=0, which=VALIDATION, stratify=True)
    assert kept.tolist() == [0, 1, 2]
    assert apart.tolist() == []


@pytest.mark.parametrize(("share", "rows", "held_out"), [(0.07, 100, 7), (0.2, 1797, 360), (0.1, 5, 1), (1e-12, 5, 1)])
def test_a_share_is_rounded_up_to_rows(share, rows, held_out):
    assert len(hold_out(np.zeros(rows), share, seed=0, which=TEST, stratify=False)[1]) == held_out


@pytest.mark.parametrize(
    ("shares", "kind", "says"),
    [
        ({"validation": 1.0}, OptionError, r"validation is a share of the rows from 0 up to .* 1, not 1\.0"),
        ({"validation": 1}, OptionError, "validation is a share"),
        ({"test": -0.1}, OptionError, "test is a share"),
        ({"test": np.nan}, OptionError, "test is a share"),
        ({"test": "0.2"}, OptionError, "test is a share of the rows .* not '0.2'"),
        ({"test": None}, OptionError, "test is a share"),
        ({"validation": True}, OptionError, "validation is a share"),
        ({"validation": 0.5, "test": 0.5}, OptionError, "validation 0.5 and test 0.5 leave nothing to train on"),
        ({"validation": 0.45, "test": 0.45}, DataError, "4 rows are too few: 2 for validation and 2 for test"),
        ({"test": 0.2, "seed": -1}, OptionError, "seed"),
    ],
)
def test_bad_shares_are_named_in_one_line(shares, kind, says):
    with pytest.raises(kind, match=says) as caught:
        split(np.zeros(4), **({"validation": 0, "test": 0, "seed": 0, "stratify": False} | shares))
    assert "\n" not in str(caught.value)


def test_one_row_cannot_be_split():
    with pytest.raises(DataError, match="1 row cannot be split"):
        hold_out([1], 0.2, seed=0, which=VALIDATION, stratify=False)
