"""Every number is that of the published Philox 4×64-10 stream, where the docstrings say it lies."""

import numpy as np
import pytest
from scipy.stats import chi2

from backlit import randomness
from backlit.errors import OptionError
from backlit.randomness import dropout_mask, order_of_rows, philox

WORD = 2**64 - 1


def philox_4x64_10(counter: tuple[int, ...], key: tuple[int, int]) -> list[int]:
    """Philox 4×64-10 from the paper, in plain integers: ten rounds, the key raised by the Weyl constants after each."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c[0], 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * c[2], 2**64)
        c = [high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & WORD, (k1 + 0xBB67AE8584CAA73B) & WORD
    return c


def block(seed: int, purpose: int, number: int, layer: int = 0, step: int = 0) -> list[int]:
    """Block ``number`` of a stream: the one at counter number + 1, because NumPy steps before it computes."""
    return philox_4x64_10((number + 1, 0, layer, step), (seed, purpose))


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [  # the known-answer vectors of the Random123 distribution
        ((0, 0, 0, 0), (0, 0), "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
        ((WORD,) * 4, (WORD,) * 2, "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0"),
        (
            (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x452821E638D01377, 0xBE5466CF34E90C6C),
            "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
        ),
    ],
)
def test_the_oracle_and_numpy_give_the_known_answers(
    counter: tuple[int, ...], key: tuple[int, int], answer: str
) -> None:
    known = [int(word, 16) for word in answer.split()]
    assert philox_4x64_10(counter, key) == known
    before = (sum(word << 64 * i for i, word in enumerate(counter)) - 1) % 2**256
    words = [before >> 64 * i & WORD for i in range(4)]
    numpys = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(words, np.uint64))
    assert numpys.random_raw(4).tolist() == known


@pytest.mark.parametrize("seed", [0, 7, WORD])
def test_a_stream_is_keyed_and_counted_as_documented(seed: int) -> None:
    words = philox(seed, 2, layer=3, step=WORD).random_raw(12).tolist()
    assert words == [word for number in range(3) for word in block(seed, 2, number, layer=3, step=WORD)]


def test_the_order_sorts_the_words_that_the_docstring_names() -> None:
    rows = 11  # rows - 1 = 10 has 4 bits
    words = [word for number in range(3) for word in block(5, randomness.ORDER, number, step=9)][:rows]
    keys = [word >> 4 << 4 | row for row, word in enumerate(words)]
    assert order_of_rows(5, 9, rows).tolist() == [key & 15 for key in sorted(keys)]


@pytest.mark.parametrize("rows", [1, 2, 3, 64, 65, 1000, 4096, 4097])
def test_an_order_is_a_permutation(rows: int) -> None:
    order = order_of_rows(3, 1, rows)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(rows))


def test_orders_differ_by_epoch_and_by_seed_and_come_again() -> None:
    orders = {tuple(order_of_rows(seed, epoch, 50).tolist()) for seed in range(20) for epoch in range(20)}
    assert len(orders) == 400
    assert order_of_rows(4, 2, 50).tolist() == order_of_rows(4, 2, 50).tolist()


@pytest.mark.parametrize("by", ["seed", "epoch"])
def test_an_order_is_uniform_over_all_permutations(by: str) -> None:
    counts: dict[tuple[int, ...], int] = {}
    draws = 4800  # 200 expected of each of the 24 permutations of four rows
    for i in range(draws):
        order = tuple((order_of_rows(i, 0, 4) if by == "seed" else order_of_rows(0, i, 4)).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    statistic = sum((count - 200) ** 2 / 200 for count in counts.values())
    # A uniform order leaves this band, at either end, once in 20,000 choices of the seeds.
    assert chi2.ppf(2.5e-5, 23) < statistic < chi2.ppf(1 - 2.5e-5, 23)


def test_every_row_is_as_likely_to_come_first() -> None:
    first = np.bincount([order_of_rows(seed, 3, 100)[0] for seed in range(5000)], minlength=100)
    statistic = float(((first - 50) ** 2 / 50).sum())
    assert chi2.ppf(2.5e-5, 99) < statistic < chi2.ppf(1 - 2.5e-5, 99)  # as above


def test_a_mask_takes_the_bits_that_the_docstring_names() -> None:
    seed, step, layer, m, n, p = 3, 17, 2, 3, 11, 0.4  # 11 neurons: two blocks a row, five numbers unused
    threshold = round(p * 2**32)
    expected = np.empty((m, n), bool)
    for i in range(m):
        for j in range(n):
            words = block(seed, randomness.DROPOUT, i * 2 + j // 8, layer=layer, step=step)
            number = words[j % 8 // 2] >> 32 * (j % 2) & 0xFFFFFFFF  # low half of a word first
            expected[i, j] = number >= threshold
    assert (dropout_mask(seed, step, layer, (m, n), p) == expected).all()
    assert 0 < expected.sum() < m * n


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_the_share_that_stays(p: float) -> None:
    mask = dropout_mask(0, 0, 2, (2000, 100), p)
    deviation = np.sqrt(p * (1 - p) / mask.size)
    assert abs(mask.mean() - (1 - p)) <= 5 * deviation  # five deviations of a binomial share
    by_neuron, by_row = mask.mean(axis=0), mask.mean(axis=1)
    assert np.abs(by_neuron - (1 - p)).max() <= 5.5 * np.sqrt(p * (1 - p) / 2000)  # 100 neurons
    assert np.abs(by_row - (1 - p)).max() <= 6.5 * np.sqrt(max(p * (1 - p), 1e-9) / 100)  # 2000 rows, skewed at 0.1


def test_the_mask_of_a_row_does_not_depend_on_how_many_rows_there_are() -> None:
    long = dropout_mask(1, 5, 2, (40, 13), 0.5)
    for m in (1, 7, 39):
        assert (dropout_mask(1, 5, 2, (m, 13), 0.5) == long[:m]).all()


@pytest.mark.parametrize("other", [{"seed": 2}, {"step": 6}, {"layer": 3}])
def test_masks_of_other_seeds_steps_and_layers_are_independent(other: dict[str, int]) -> None:
    one = {"seed": 1, "step": 5, "layer": 2}
    mask = dropout_mask(**one, shape=(200, 100), p=0.5)
    another = dropout_mask(**{**one, **other}, shape=(200, 100), p=0.5)
    # Two independent fair masks agree on half of 20,000 places, give or take five deviations of 0.5/√20000.
    assert abs((mask == another).mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)


def test_the_purposes_do_not_share_numbers() -> None:
    purposes = (randomness.ORDER, randomness.DROPOUT, randomness.INITIAL, randomness.SPLIT)
    assert len(set(purposes)) == 4
    assert len({philox(0, purpose).random_raw() for purpose in purposes}) == 4


def test_initial_numbers_come_from_their_own_stream() -> None:
    bits = block(7, randomness.INITIAL, 0, layer=3)
    # A uniform float64 of NumPy is the upper 53 bits of a word, over 2⁵³.
    assert randomness.initial_generator(7, 3).random() == (bits[0] >> 11) / 2**53


def test_splits_come_again_and_differ() -> None:
    def numbers(seed: int, which: int) -> list[int]:
        return randomness.split_state(seed, which).permutation(100).tolist()

    assert numbers(0, 0) == numbers(0, 0)
    assert len({tuple(numbers(seed, which)) for seed in (0, 1) for which in (0, 1)}) == 4


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int64(5), np.uint64(WORD)])
def test_a_seed_of_64_bits_is_taken(seed: int) -> None:
    checked = randomness.check_seed(seed)
    assert checked == int(seed)
    assert type(checked) is int


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, True, [1]])
def test_any_other_seed_is_refused(seed: object) -> None:
    with pytest.raises(OptionError, match=r"seed must be a whole number from 0 to 2\^64 - 1, not ") as caught:
        randomness.check_seed(seed)  # type: ignore[arg-type]
    assert repr(seed) in str(caught.value)
