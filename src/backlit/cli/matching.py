"""A saved model and data that somebody brings to it: whether they go together, and whether they have met before."""

from hashlib import blake2b
from typing import Any

from numpy.typing import NDArray

from backlit import data
from backlit.cli import refitting
from backlit.data import Dataset, Split, Table
from backlit.errors import BacklitError, DataError
from backlit.model import Model


def check_columns(model: Model, dataset: Dataset | Table) -> None:
    """Raises DataError unless the data have as many columns as the model takes."""
    takes, has = len(model.encoding.columns), len(dataset.columns)
    if takes == has or isinstance(dataset, Table):  # whose columns go by their names
        return
    shape = model.encoding.image_shape
    names = f"{', '.join(model.encoding.columns[:3])}{', …' if takes > 3 else ''}"
    what = f"the pixels of images of {shape[0]} × {shape[1]}" if shape else names
    trained_on = model.provenance.get("source")
    like = f" like {trained_on}, on which it was trained" if isinstance(trained_on, str) else " of those columns"
    raise DataError(f"{dataset.source} has {has} columns and the model takes {takes}: {what}; give it data{like}")


def parts_of_training(model: Model, dataset: Dataset | Table) -> dict[str, NDArray[Any]]:
    """The rows that trained, validated and tested the model, where these are the data it was trained on; else none."""
    came_from = model.provenance
    try:
        if came_from["fingerprint"] != dataset.fingerprint():
            return {}
        parts = data.split(dataset.known_y, **came_from["split"], stratify=model.encoding.task == "classes")
        if came_from["split_fingerprint"] != fingerprint_of(parts):  # another scikit-learn may draw other rows
            return {}
    except (KeyError, TypeError, BacklitError):  # a model that says nothing, or something else, of where it came from
        return {}
    if came_from.get("refit"):
        parts = refitting.together(parts)
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    return {name: rows for name, rows in named.items() if len(rows)}


def fingerprint_of(parts: Split) -> str:
    """A hex digest (BLAKE2b, 128 bits) of the numbers of the rows that validate and of those that test."""
    digest = blake2b(digest_size=16)
    for rows in (parts.validation, parts.test):
        digest.update(f"{len(rows)}:".encode())
        digest.update(rows.astype("<i8").tobytes())
    return digest.hexdigest()
