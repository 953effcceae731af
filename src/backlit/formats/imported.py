"""What came in from elsewhere: a network, what was measured of it, what was lost, and a model around it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.encoding import TASKS, Encoding, Label
from backlit.errors import OptionError, unknown_option
from backlit.formats.agreement import Agreement
from backlit.formats.chain import ChainBuilder
from backlit.formats.extras import version_of
from backlit.model import Model
from backlit.network import Network


@dataclass(frozen=True, eq=False)
class Imported:
    """A network from elsewhere.

    Args:
        format: the name of the format it came from.
        source: what it came from: a file's name, or the type of an object.
        network: what computes the same.
        agreement: how nearly: the largest difference of outputs and gradients.
        lost: what the source had that the network has not, a sentence each.
        facts: what else the source says of itself, plain JSON data.
        columns: names of the inputs, where the source has them.
        classes: of the outputs, where the source has them.
        task: what the outputs are, where the source says so.
    """

    format: str
    source: str
    network: Network
    agreement: Agreement
    lost: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    classes: tuple[Label, ...] = ()
    task: str | None = None

    @property
    def provenance(self) -> dict[str, Any]:
        """What a model file keeps of where its network came from."""
        return {
            "imported": {
                "format": self.format,
                "from": self.source,
                **self.facts,
                "agreement": self.agreement.to_dict(),
                "lost": list(self.lost),
                "backlit": version_of("backlit"),
            }
        }

    def model(self, *, task: str | None = None, classes: tuple[Label, ...] = ()) -> Model:
        """The network with raw numbers in, as they are, and answers out.

        Args:
            task: classes, labels or numbers; None takes what the source says, else: softmax outputs and a single
                sigmoid are classes, several sigmoids are labels, anything else is numbers.
            classes: their labels, in the order of the outputs (two for a single sigmoid); by default the source's,
                else 0, 1, …

        Raises:
            OptionError: the task is unknown, or there are not as many classes as outputs.
        """
        return Model(self.network, _encoding(self, task, classes or self.classes), self.provenance)


def finish(builder: ChainBuilder, format_name: str, agreement: Agreement, network: Network, **more: Any) -> Imported:
    """What a reader gives back, from the builder it filled."""
    return Imported(format_name, builder.what, network, agreement, tuple(builder.lost), **more)


def _encoding(imported: Imported, task: str | None, classes: tuple[Label, ...]) -> Encoding:
    network = imported.network
    inputs, outputs = network.sizes[0], network.sizes[-1]
    output = network.activations[-1].name
    if task is None:
        task = imported.task or ("classes" if classes else None)
    if task is None:
        task = "classes" if output == "softmax" or (output, outputs) == ("sigmoid", 1) else "labels"
        task = task if output in ("softmax", "sigmoid") else "numbers"
    if task not in TASKS:
        raise unknown_option("task", task, TASKS)
    needed = 0
    if task == "classes":
        needed = max(outputs, 2)
        classes = classes or tuple(range(needed))
    if len(classes) != needed or len(set(classes)) != needed:
        raise OptionError(
            f"{outputs} output{'s' * (outputs > 1)} of {task} need {needed or 'no'} different classes, "
            f"and {len(classes)} are given"
        )
    numbers = outputs if task == "numbers" else 0
    return Encoding(
        columns=imported.columns or tuple(f"x{i}" for i in range(inputs)),
        offset=np.zeros(inputs),
        scale=np.ones(inputs),
        task=task,
        target="y",
        outputs=outputs,
        classes=classes,
        target_offset=np.zeros(numbers),
        target_scale=np.ones(numbers),
    )
