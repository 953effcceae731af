"""Rows that stand in the data more than once: with the same target they teach nothing, with another they contradict."""

import numpy as np

from backlit.notation import Array, IndexArray


def groups(X: Array) -> IndexArray:
    """Of each row the first one with exactly its features, itself where there is none before it, (rows,).

    >>> groups(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])).tolist()
    [0, 1, 0]
    """
    plain = np.ascontiguousarray(X + X.dtype.type(0))  # -0 and 0 are one number
    _, first, group = np.unique(
        plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel(),
        return_index=True, return_inverse=True,
    )  # fmt: skip
    return first[group.ravel()].astype(np.int64)


def same_target(Y: Array, first: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Of each row the earliest one with its features and target, and the earliest with another target; -1 for none."""
    copies, contradictions = np.full(len(Y), -1), np.full(len(Y), -1)
    shared = np.flatnonzero(np.bincount(first, minlength=len(Y))[first] > 1)
    by_group = shared[np.argsort(first[shared], kind="stable")]
    starts = np.flatnonzero(np.diff(first[by_group], prepend=-1))
    for members in np.split(by_group, starts[1:]) if len(shared) else ():
        _, earliest, target = np.unique(Y[members], axis=0, return_index=True, return_inverse=True)
        target = target.ravel()
        rows = members[earliest[target]]
        copies[members] = np.where(rows < members, rows, -1)
        if len(earliest) > 1:
            other = members[np.sort(earliest)[1]]
            contradictions[members] = np.where(target == target[0], other, members[0])
    return copies, contradictions
