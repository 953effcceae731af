"""Sums of products over many numbers, on the caller's thread alone."""

import numpy as np

from backlit.notation import Array

_BLAS_STAYS_ALONE = 10_000


def dot(a: Array, b: Array) -> float:
    """Σ_k a_k b_k over all numbers of two arrays of one shape and dtype, accumulated in that dtype.

    BLAS splits the product of long vectors over threads of its own. That makes the last bits depend on their number,
    and for some 20 ms afterwards they keep the cores busy on which an engine's threads want to work: a training in
    float64 with a penalty took half as long again. So long vectors are left to a loop of NumPy's, as fast here.

    >>> dot(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    11.0
    """
    if a.size < _BLAS_STAYS_ALONE:
        return float(np.vdot(a, b))
    return float(np.einsum("i,i->", a.ravel(), b.ravel()))
