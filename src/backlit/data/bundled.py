"""The data sets that come with scikit-learn, by their short names."""

import numpy as np

from backlit.data.dataset import Dataset, as_target
from backlit.errors import DataError

TARGETS = {
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
    "breast-cancer": "diagnosis",
    "diabetes": "progression",
}
"""Name → what its target is called."""


def read_bundled(name: str, target: str | None = None) -> Dataset:
    """One of :data:`TARGETS`, in its raw units.

    ``digits`` are 1,797 images of 8×8 pixels from 0 to 16; ``diabetes`` has a number as its target, the others
    classes.

    Raises:
        DataError: ``target`` is not what the target of this set is called.
    """
    if target not in (None, TARGETS[name]):
        raise DataError(f"{name}: the target is '{TARGETS[name]}' and cannot be '{target}'")
    from sklearn import datasets

    load = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast-cancer": datasets.load_breast_cancer,
        "diabetes": lambda: datasets.load_diabetes(scaled=False),
    }
    found = load[name]()
    images = name == "digits"
    named = name not in ("digits", "diabetes")
    return Dataset(
        X=np.ascontiguousarray(found.data, dtype=np.float32 if images else np.float64),
        y=as_target(found.target, f"{name}: target"),
        source=name,
        columns=tuple(str(column) for column in found.feature_names),
        target=TARGETS[name],
        full_scale=16.0 if images else None,
        image_shape=(8, 8) if images else None,
        classes=tuple(str(label) for label in found.target_names) if named else None,
    )
