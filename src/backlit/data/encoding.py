"""How raw columns become what a network takes in, and its answers what the user reads: there and back.

Fitted on the training rows alone. Plain data: an encoding is a few lists of numbers and names, written to a model file
as they are, and checked one by one when they come back from one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from backlit import activations
from backlit.data import frames, plain, scaling
from backlit.data.checks import as_numbers, check_finite
from backlit.data.dataset import Dataset, as_target, blocks_of_rows
from backlit.data.frames import some
from backlit.data.labels import Label, check_varies, check_zero_one, classes_of, infer_task, number_table, one_hot
from backlit.data.lazy import LazyRows
from backlit.data.tables import encoding as table_encoding
from backlit.data.tables import ramps, stored
from backlit.data.tables.encoding import TableEncoding
from backlit.data.tables.table import Table
from backlit.errors import DataError, OptionError, unknown_option
from backlit.notation import Array, Float64Array, IndexArray

TASKS = ("classes", "labels", "numbers")
"""One of K classes; several labels at once, each yes or no; numbers."""

MOST_FITTED = 200_000
"""Training rows of a table that its encoding is fitted on; of more, as many, evenly apart."""

__all__ = ["MOST_FITTED", "TASKS", "Encoding", "Label", "fit", "infer_task"]


def _nothing() -> Float64Array:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Encoding:
    """x = (X - offset) / scale in; classes one-hot, labels 0 or 1, or (y - target_offset) / target_scale out.

    Of a table of mixed columns, ``table`` says what becomes of each, and offset and scale are empty.

    Args:
        columns: names of the raw columns.
        offset: (columns,): 0 for pixels of a known full scale, else the mean of the training rows.
        scale: (columns,): the full scale of pixels, else the standard deviation of the training rows; 1 for a column
            that is constant there.
        task: one of :data:`TASKS`.
        target: the name of the target.
        outputs: neurons of the output layer: K, or 1 for two classes on a single output; one a label or a number.
        classes: of the task classes: the labels, in the order of the outputs.
        codes: the whole numbers that stand for ``classes`` in raw targets, where those are names for them.
        target_offset: (outputs,) of the task numbers: the mean of the training rows, or what brings them within the
            output activation's reach.
        target_scale: (outputs,) of the task numbers: their standard deviation, or likewise.
        image_shape: (height, width) where the columns are the pixels of an image.
        full_scale: the largest value of a pixel.
        table: what becomes of the columns of a table.
        target_log: (outputs,) of the task numbers where their logarithm is what is standardised: the unit of each, 0
            where it is not; see :func:`backlit.data.scaling.to_log`.
    """

    columns: tuple[str, ...]
    offset: Float64Array
    scale: Float64Array
    task: str
    target: str
    outputs: int
    classes: tuple[Label, ...] = ()
    codes: tuple[int, ...] = ()
    target_offset: Float64Array = field(default_factory=_nothing)
    target_scale: Float64Array = field(default_factory=_nothing)
    image_shape: tuple[int, int] | None = None
    full_scale: float | None = None
    table: TableEncoding | None = None
    target_log: Float64Array = field(default_factory=_nothing)

    def __repr__(self) -> str:
        return f"Encoding({len(self.columns)} columns → {self.task} of {self.target!r}, outputs: {self.outputs})"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs: of a table's columns, what became of them."""
        return self.columns if self.table is None else self.table.inputs

    def features(self, X: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
        """(X - offset) / scale, shape (rows, inputs), in the dtype; images may come as (rows, height, width).

        The columns of a frame (pandas, polars, …) are taken by their names, in whatever order they stand there; those
        of an array by position. Tables are encoded in float64 and then rounded, pixels of a known full scale divided in
        the dtype itself.

        Raises:
            DataError: a column is missing, another number of columns, text, or a number that is not finite, before or
                after.
        """
        if self.table is not None:
            return self.table.features(X, dtype)
        raw = as_numbers("X", frames.in_order("X", X, self.columns))
        if self.image_shape is not None and raw.ndim == 3 and raw.shape[1:] == self.image_shape:
            raw = raw.reshape(len(raw), -1)
        if raw.ndim != 2:
            raise DataError(f"X must be rows × {len(self.columns)} columns; its shape is {raw.shape}")
        if raw.shape[1] != len(self.columns):
            raise DataError(f"X has {raw.shape[1]} columns where {len(self.columns)} are expected{self._expected()}")
        check_finite("X", raw, self.columns)
        with np.errstate(over="ignore", invalid="ignore"):  # what becomes of numbers too far out is named below
            if self.full_scale is not None:
                encoded: Array = raw.astype(dtype)
                encoded /= encoded.dtype.type(self.full_scale)
            else:
                wide = raw - self.offset
                wide /= self.scale
                encoded = np.ascontiguousarray(wide, dtype=dtype)
        check_finite(f"X, encoded as {encoded.dtype},", encoded, self.columns)
        return encoded

    def targets(self, y: ArrayLike, dtype: DTypeLike = np.float64, numbers: IndexArray | None = None) -> Array:
        """What the output layer is compared with, shape (rows, outputs): one-hot, 0 and 1, or standardised.

        Two classes on a single output are 0 and 1 in their order. ``numbers``: of the rows in the user's data, where
        they are not these.

        Raises:
            DataError: a class that is not known (which, in which row, and which are), another number of columns, a
                value that is none of the task's, or a number that is not finite.
        """
        raw = as_target(y, f"target '{self.target}'")
        if self.task == "classes":
            return one_hot(raw, self.classes, self.codes, self.outputs, self.target, dtype, numbers)
        table = number_table(raw, self.outputs, self.target)
        if self.task == "labels":
            check_zero_one(table, f"target '{self.target}'")
            return table.astype(dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            table = scaling.to_log(table, self.target_log)
            encoded: Array = ((table - self.target_offset) / self.target_scale).astype(dtype)
        check_finite(f"target '{self.target}', encoded as {encoded.dtype},", encoded)
        return encoded

    def answers(self, a: Array) -> NDArray[Any]:
        """What outputs a^L, shape (rows, outputs), say in the target's own terms; ``answers(targets(y))`` gives y back.

        Returns:
            The class of the largest output, or of the side of ½ of a single one, (rows,); 0 and 1 by the side of ½, or
            numbers in their own units: (rows, outputs), or (rows,) if there is one output.
        """
        if self.task == "classes":
            which = a[:, 0] >= 0.5 if self.outputs == 1 else a.argmax(axis=1)
            return np.array(self.classes)[which.astype(np.int64)]
        if self.task == "labels":
            found: NDArray[Any] = (a >= 0.5).astype(np.int64)
        else:
            found = scaling.from_log(a.astype(np.float64) * self.target_scale + self.target_offset, self.target_log)
        return found[:, 0] if self.outputs == 1 else found

    def probabilities(self, a: Array) -> Float64Array | None:
        """Of each class, (rows, K), rows summing to 1; of each label, (rows, outputs); None for numbers.

        A single output is the probability of the second class. Outputs that are independent of each other, as
        sigmoids are, are divided by their sum; those below 0 count as 0, and if all are 0 the classes are equal.
        """
        if self.task == "numbers":
            return None
        shares: Float64Array = np.clip(a.astype(np.float64), 0, None)
        if self.task == "labels":
            return np.minimum(shares, 1)
        if self.outputs == 1:
            shares = np.minimum(shares, 1)
            return np.hstack([1 - shares, shares])
        shares[shares.sum(axis=1) == 0] = 1
        return shares / shares.sum(axis=1, keepdims=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: :meth:`from_dict` gives the same encoding back, to the bit."""
        return {
            "columns": list(self.columns),
            "offset": self.offset.tolist(),
            "scale": self.scale.tolist(),
            "task": self.task,
            "target": self.target,
            "outputs": self.outputs,
            "classes": list(self.classes),
            "codes": list(self.codes),
            "target_offset": self.target_offset.tolist(),
            "target_scale": self.target_scale.tolist(),
            "image_shape": None if self.image_shape is None else list(self.image_shape),
            "full_scale": self.full_scale,
            "table": None if self.table is None else stored.to_dict(self.table),
            "target_log": self.target_log.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Encoding":
        """The encoding that :meth:`to_dict` wrote, every value checked: it may come from a file that anybody wrote.

        Raises:
            DataError: a value is missing, unknown, of another type or length, or in conflict with another.
        """
        held = plain.mapping(values, tuple(cls.__dataclass_fields__), later={"table": None, "target_log": []})
        columns = plain.texts("columns", held["columns"])
        task = plain.text("task", held["task"])
        plain.require(task in TASKS, f"task is {task!r}, none of {', '.join(TASKS)}")
        outputs = plain.whole("outputs", held["outputs"], least=1)
        numbers = outputs if task == "numbers" else 0
        table = None if held["table"] is None else stored.from_dict(held["table"])
        raw = 0 if table else len(columns)
        logs = len(plain.listed("target_log", held["target_log"])) and numbers
        encoding = cls(
            columns=columns,
            offset=plain.floats("offset", held["offset"], raw),
            scale=plain.floats("scale", held["scale"], raw, positive=True),
            task=task,
            target=plain.text("target", held["target"]),
            outputs=outputs,
            classes=plain.labels("classes", held["classes"]),
            codes=plain.wholes("codes", held["codes"]),
            target_offset=plain.floats("target_offset", held["target_offset"], numbers),
            target_scale=plain.floats("target_scale", held["target_scale"], numbers, positive=True),
            image_shape=plain.optional_pair("image_shape", held["image_shape"]),
            full_scale=plain.optional_number("full_scale", held["full_scale"]),
            table=table,
            target_log=plain.floats("target_log", held["target_log"], logs, least=0),
        )
        encoding._check_sense()
        return encoding

    def _check_sense(self) -> None:
        """Whether values that are each possible are possible together."""
        K, columns = len(self.classes), len(self.columns)
        plain.require(columns > 0, "columns are none")
        if self.task == "classes":
            plain.require(K >= 2, f"classes are {K}, and must be at least 2")
            plain.require(self.outputs in ((1, 2) if K == 2 else (K,)), f"outputs are {self.outputs} for {K} classes")
            plain.require(len(self.codes) in (0, K), f"codes are {len(self.codes)} for {K} classes")
            plain.require(not self.codes or isinstance(self.classes[0], str), "codes stand for names alone")
        else:
            plain.require(not K and not self.codes, f"classes and codes must be none for {self.task}")
        if self.table is not None:
            plain.require(self.columns == self.table.names, "columns are not those of the table")
            plain.require(self.image_shape is None and self.full_scale is None, "a table is no images")
        if self.image_shape is not None:
            height, width = self.image_shape
            plain.require(height * width == columns, f"image_shape is {height} × {width} for {columns} columns")
        if self.full_scale is not None:
            pixels = not self.offset.any() and bool((self.scale == self.full_scale).all())
            plain.require(pixels, "offset and scale are not those of pixels of full_scale")

    def _expected(self) -> str:
        if self.image_shape is not None:
            return f": the pixels of images of {self.image_shape[0]} × {self.image_shape[1]}"
        return f": {some(self.columns)}"


def fit(
    dataset: Dataset | Table,
    rows: IndexArray,
    *,
    task: str | None = None,
    single_output: bool = False,
    output: str = "identity",
    log: bool = False,
) -> Encoding:
    """The encoding of a data set, its means, standard deviations and checks from the given training rows alone.

    Which task it is and which classes there are is seen from the whole target: that a label exists is no secret of the
    rows held out, and a class that only they have can be scored, as one the network never saw.

    Args:
        dataset: with a target.
        rows: the training rows.
        task: one of :data:`TASKS`; None infers it (:func:`infer_task`).
        single_output: two classes share one output neuron, as a single sigmoid has it.
        output: the output layer's activation, within whose reach numbers are brought (:mod:`backlit.data.scaling`).
        log: of numbers, the logarithm is standardised.

    Raises:
        DataError: no target, or one that is not of the task, or the same in every training row, or out of the output's
            reach.
        OptionError: the task or the output is unknown, or a single output is to tell more than two classes apart.
    """
    y = dataset.known_y
    what = f"{dataset.source}: target '{dataset.target}'"
    task = infer_task(y) if task is None else task
    if task not in TASKS:
        raise unknown_option("task", task, TASKS)
    if not len(rows):
        raise DataError(f"{dataset.source}: there are no training rows to fit the encoding on")
    check_varies(y[rows], what)
    classes: tuple[Label, ...] = ()
    codes: tuple[int, ...] = ()
    target_offset, target_scale, target_log = _nothing(), _nothing(), _nothing()
    if task == "classes":
        classes, codes = classes_of(y, dataset.classes, what)
        if single_output and len(classes) != 2:
            raise OptionError(f"a single output tells two classes apart; {what} has {len(classes)}")
        outputs = 1 if single_output else len(classes)
    else:
        if y.dtype.kind == "U":
            raise DataError(f"{what} is text, which is classes and cannot be {task}")
        table = y.reshape(len(y), -1).astype(np.float64)
        outputs = table.shape[1]
        if task == "labels":
            check_zero_one(table, what)
        else:
            reach = activations.get(output, option="output")
            if log:
                target_log = scaling.log_units(table[rows])
                table = scaling.to_log(table, target_log)
            target_offset, target_scale = scaling.within_reach(table, rows, reach, what)
    columns = _fit_table(dataset, rows, task) if isinstance(dataset, Table) else None
    if isinstance(dataset, Table):
        offset, scale = _nothing(), _nothing()
    elif dataset.full_scale is None:
        offset, scale = _standard(dataset, rows)
    else:
        offset, scale = np.zeros(len(dataset.columns)), np.full(len(dataset.columns), dataset.full_scale)
    return Encoding(
        columns=dataset.columns,
        offset=offset,
        scale=scale,
        task=task,
        target=dataset.target,
        outputs=outputs,
        classes=classes,
        codes=codes,
        target_offset=target_offset,
        target_scale=target_scale,
        image_shape=dataset.image_shape,
        full_scale=dataset.full_scale,
        table=columns,
        target_log=target_log,
    )


def _standard(dataset: Dataset, rows: IndexArray) -> tuple[Float64Array, Float64Array]:
    """Of the training rows; of a streamed source block by block."""
    what = f"{dataset.source}: X"
    if not isinstance(dataset.X, LazyRows):
        return scaling.standard(dataset.X[rows], what)
    chosen = dataset.X.take(rows)
    return scaling.standard_of_blocks(lambda: blocks_of_rows(chosen), what)


def _fit_table(table: Table, rows: IndexArray, task: str) -> TableEncoding:
    every = -(-len(rows) // MOST_FITTED)
    some = rows[::every]
    return table_encoding.fit(
        table.take(some),
        spellings=table.spellings,
        named=table.named,
        what=table.source,
        numbers=some,
        with_ramps=task == "numbers" or len(rows) >= ramps.ROWS_FOR_CLASSES,
        of_rows=len(rows),
    )
