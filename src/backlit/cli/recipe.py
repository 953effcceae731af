"""What is asked of a training, whatever rows it is then given: how they are encoded, the network, and what it learns by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backlit.errors import OptionError

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows ready to be learnt from: how they were encoded, each part's matrix, and the targets of all of them."""

    parts: Any
    encoding: Any
    X: dict[str, Any]
    y: Any


@dataclass(frozen=True, eq=False)
class Made:
    """What was chosen by rule, the network, and what :func:`backlit.train` is given besides; X, y and all."""

    settled: Any
    network: Any
    to_learn: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Recipe:
    """The options of ``backlit train`` that do not depend on the rows, as they were given.

    ``given``: those there is a rule for, as :func:`backlit.training.defaults.choose` takes them; ``learning_rate`` is
    of an optimizer that was asked for.
    """

    given: Mapping[str, Any]
    task: str | None
    output: str | None
    initializer: str
    dtype: str
    cost: str | None
    l2: float
    learning_rate: float | None
    clip: float | None
    class_weight: str | None
    seed: int
    engine: str

    def prepare(self, dataset: Any, parts: Any, make_room: Any = None) -> Prepared:
        """The rows of each part, encoded as the training rows say; ``make_room`` as for ``encode_parts``."""
        from backlit import data

        encoding = self._encoding(dataset, parts)
        X = data.encode_parts(dataset, encoding, vars(parts), self.dtype, make_room)
        return Prepared(parts, encoding, X, encoding.targets(dataset.known_y, self.dtype))

    def make(self, rows: Prepared, epochs: int | None = None, to_train_on: Callable[[Any], Any] = lambda X: X) -> Made:
        """Network and training for these rows; ``epochs`` in the place of what was asked for."""
        import backlit as bl
        from backlit.training import defaults

        encoding, parts = rows.encoding, rows.parts
        given = dict(self.given) if epochs is None else {**self.given, "epochs": epochs}
        settled = defaults.choose(
            len(parts.train), len(encoding.inputs), encoding.task, pixels=encoding.full_scale is not None, given=given
        )
        network = bl.Network(
            [len(encoding.inputs), *settled.layers, encoding.outputs],
            activation=settled.activation,
            output=self.output or OUTPUT_OF_TASK[encoding.task],
            initializer=self.initializer,
            dropout=settled.dropout,
            seed=self.seed,
            dtype=self.dtype,
        )
        reach = network.activations[
            -1
        ]  # held-out numbers may lie beyond it, and its end is as near to them as it comes
        y = rows.y.clip(reach.lowest, reach.highest)
        held_out = (to_train_on(rows.X["validation"]), y[parts.validation]) if len(parts.validation) else None
        to_learn = {
            "X": to_train_on(rows.X["train"]), "y": y[parts.train], "validation": held_out,
            "class_weight": self.class_weight, "cost": self._cost_for(encoding), "l2": self.l2,
            "label_smoothing": settled.label_smoothing, "optimizer": settled.make_optimizer(),
            "learning_rate": self.learning_rate, "schedule": settled.schedule, "clip": self.clip,
            "batch_size": settled.batch_size, "epochs": settled.epochs, "seed": self.seed, "engine": self.engine,
        }  # fmt: skip
        return Made(settled, network, to_learn)

    def _encoding(self, dataset: Any, parts: Any) -> Any:
        """Fitted on the training rows. Two classes share one output, unless it is softmax."""
        import numpy as np

        from backlit.data import encoding

        y = dataset.known_y
        task = self.task or encoding.infer_task(y)
        single_output = (
            task == "classes" and y.ndim == 1 and self.output not in (None, "softmax") and len(np.unique(y)) == 2
        )
        reach = self.output or OUTPUT_OF_TASK.get(task, "identity")
        return encoding.fit(dataset, parts.train, task=task, single_output=single_output, output=reach)

    def _cost_for(self, encoding: Any) -> str | None:
        """The cost that was asked for; numbers are no probabilities: a sigmoid has not its own but the quadratic one."""
        if encoding.task != "numbers":
            return self.cost
        probabilities = f"{self.cost} compares" if self.cost in ("cross-entropy", "binary-cross-entropy") else None
        if self.output == "softmax":
            probabilities = "softmax gives"
        if probabilities:
            raise OptionError(
                f"the target '{encoding.target}' is numbers, and {probabilities} probabilities: "
                "take --output identity, or --task classes"
            )
        return "quadratic" if self.cost is None and self.output == "sigmoid" else self.cost
