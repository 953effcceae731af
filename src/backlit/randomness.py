"""All of Backlit's randomness: one counter-based generator, Philox 4×64-10, for every engine.

A counter-based generator is a function of (key, counter) and has no state to lose: any number it ever gives can be
computed again from where it stands, in any order, by any thread, in Python or in C++. What is drawn:

==================  ==========================  =======================================
what                key                         counter (lowest word first)
==================  ==========================  =======================================
order of the rows   (seed, ORDER)               (block, 0, 0, epoch)
of a window's rows  (seed, ORDER)               (block, 0, window, epoch), windows from 1
of blocks of rows   (seed, BLOCKS)              (block, 0, 0, epoch)
dropout masks       (seed, DROPOUT)             (block, 0, layer, step)
initial parameters  (seed, INITIAL)             (block, 0, layer, 0)
splits of the data  (seed, SPLIT)               (block, 0, which split, 0)
==================  ==========================  =======================================

NumPy's ``Philox`` steps its counter before it computes, so the block numbered 0 is the one at counter 1. A block is
four 64-bit words, least significant word first. Nothing outside this file draws random numbers.

Source: Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
"""

import numpy as np
from numpy.typing import NDArray

from backlit.errors import OptionError
from backlit.notation import IndexArray

ORDER, DROPOUT, INITIAL, SPLIT, BLOCKS = 1, 2, 3, 4, 5

MASKS_IN_A_BLOCK = 8  # a block's four 64-bit words are eight 32-bit numbers, one a neuron


def check_seed(seed: int) -> int:
    """The seed as an int of 64 bits.

    Raises:
        OptionError: it is not a whole number from 0 to 2⁶⁴ - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= int(seed) < 2**64:
        raise OptionError(f"seed must be a whole number from 0 to 2^64 - 1, not {seed!r}")
    return int(seed)


def philox(seed: int, purpose: int, *, layer: int = 0, step: int = 0) -> np.random.Philox:
    """The generator at block 0 of one stream."""
    return np.random.Philox(
        key=np.array([seed, purpose], dtype=np.uint64), counter=np.array([0, 0, layer, step], dtype=np.uint64)
    )


def order_of_rows(seed: int, epoch: int, rows: int, *, window: int = 0, purpose: int = ORDER) -> IndexArray:
    """The order in which an epoch visits the rows: a uniform permutation of 0 … rows - 1.

    With ``window`` (from 1) it is that of the rows of one window of the epoch, and with ``BLOCKS`` for its purpose that
    of the blocks the rows lie in.

    Each row gets a random word whose lowest bits are overwritten with the row's own number, and the words are sorted:
    no two are equal, so any sorting algorithm gives the same order.

    >>> order_of_rows(seed=0, epoch=0, rows=5).tolist()
    [3, 2, 4, 1, 0]
    """
    words = philox(seed, purpose, layer=window, step=epoch).random_raw(rows)
    own_bits = np.uint64(max(rows - 1, 1).bit_length())
    own_mask = (np.uint64(1) << own_bits) - np.uint64(1)
    keys = (words & ~own_mask) | np.arange(rows, dtype=np.uint64)
    keys.sort()
    return (keys & own_mask).astype(np.int64)


def dropout_mask(seed: int, step: int, layer: int, shape: tuple[int, int], p: float) -> NDArray[np.bool_]:
    """Which neurons stay: True with probability 1 - p, of shape (m, n_l).

    Row i, neuron j takes the 32-bit number j mod 8 of block i·⌈n_l/8⌉ + ⌊j/8⌋ and stays where that is at least p·2³².
    So the mask of a row does not depend on how many rows the batch has.
    """
    m, n = shape
    blocks = -(-n // MASKS_IN_A_BLOCK)
    words = philox(seed, DROPOUT, layer=layer, step=step).random_raw(m * blocks * 4)
    numbers = words.astype("<u8", copy=False).view("<u4").reshape(m, blocks * MASKS_IN_A_BLOCK)[:, :n]
    keep: NDArray[np.bool_] = numbers >= np.uint32(min(round(p * 2**32), 2**32 - 1))
    return keep


def initial_generator(seed: int, layer: int) -> np.random.Generator:
    """What a layer's initial weights and biases are drawn from, in that order."""
    return np.random.Generator(philox(seed, INITIAL, layer=layer))


def split_state(seed: int, which: int) -> np.random.RandomState:
    """The random state that scikit-learn's splitters take: split 0 sets the test rows apart, split 1 the validation."""
    return np.random.RandomState(philox(seed, SPLIT, layer=which))
