"""The rows most like a row: whose features are nearest, and the labels those carry.

A third opinion beside the networks', which err otherwise: by the inner product of two rows' gradients,
(δ_x·δ_y)(1 + a_x·a_y), rows with like features are also those that teach each other most.
"""

import numpy as np
from numpy.typing import NDArray

from backlit.notation import Array, Float64Array

COUNT = 10
"""Neighbours that have a say."""

DOUBT = 0.1
"""Of a neighbour: added to each class, so that no class has a probability of 0."""

MOST = 20_000
"""Rows among which neighbours are looked for; of more rows every k-th."""

CHUNK = 512


def opinions(X: Array, labels: NDArray[np.int64], K: int, trusted: NDArray[np.bool_]) -> Float64Array:
    """ln of the share of each class among a row's 10 nearest trusted rows, itself left out, (rows, K).

    Nearest by Euclidean distance. With fewer trusted rows, of all of them.

    >>> X = np.concatenate([np.arange(0, 11), np.arange(100, 111)])[:, np.newaxis] * 1.0
    >>> labels = np.repeat([0, 1], 11)
    >>> opinions(X, labels, 2, np.ones(22, dtype=bool)).argmax(axis=1).tolist() == labels.tolist()
    True
    """
    among = np.flatnonzero(trusted)
    among = among[:: -(-len(among) // MOST)] if len(among) else np.arange(len(X))
    centred = X - X.mean(axis=0, dtype=np.float64).astype(X.dtype)
    candidates = centred[among]
    squares = np.einsum("ij,ij->i", candidates, candidates)
    place = np.full(len(X), -1)
    place[among] = np.arange(len(among))
    counts = np.zeros((len(X), K))
    nearest = min(COUNT, len(among) - 1)
    for start in range(0, len(X), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(X)))
        distances = squares - 2 * (centred[rows] @ candidates.T)  # but for the row's own square, the same for all
        own = place[rows]
        distances[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
        found = among[np.argpartition(distances, nearest, axis=1)[:, :nearest]]
        np.add.at(counts, (np.repeat(rows, nearest), labels[found].ravel()), 1)
    shares = (counts + DOUBT) / (counts + DOUBT).sum(axis=1, keepdims=True)
    return np.log(shares)
