"""A model: a network, and what it takes to use it on data as they come and to know where it came from."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from backlit import engines
from backlit.data.encoding import Encoding
from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Array

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Model:
    """Network + encoding + provenance: raw columns in, labels or numbers out.

    Args:
        network: what was trained.
        encoding: how raw columns become the network's inputs, and its outputs become answers.
        provenance: how it was trained: source, fingerprint, options, versions, seed, summary of the history, scores.
            Plain JSON data.

    Raises:
        OptionError: the encoding and the network do not fit together.

    >>> import numpy as np
    >>> petals = Encoding(("length", "width"), np.zeros(2), np.ones(2), "classes", "iris", 2, ("setosa", "virginica"))
    >>> model = Model(Network([2, 2], output="softmax", seed=1), petals)
    >>> model.predict([[1.0, 0.2]]).shape, model.predict_proba([[1.0, 0.2]]).shape
    ((1,), (1, 2))
    """

    network: Network
    encoding: Encoding
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """A file may bring the two together from anywhere."""
        inputs, outputs = len(self.encoding.inputs), self.encoding.outputs
        n_1, *_, n_L = self.network.sizes
        if (inputs, outputs) != (n_1, n_L):
            raise OptionError(
                f"the encoding has {inputs} inputs and {outputs} outputs, the network {n_1} inputs and {n_L} outputs"
            )

    def outputs(self, X: Any) -> Array:
        """a^L of each row of X, shape (rows, n_L). A frame's columns are taken by their names, an array's by position.

        Raises:
            DataError: X has other columns than the encoding was made for, or a value it cannot encode.
        """
        return engines.predict(self.network, self.encoding.features(X, self.network.dtype))

    def encode(self, X: Any) -> "pl.DataFrame":
        """What the network sees of each row of X, as a frame: one column an input, by its name, in its dtype.

        Raises:
            DataError: as :meth:`outputs`.
        """
        import polars as pl

        return pl.DataFrame(self.encoding.features(X, self.network.dtype), schema=list(self.encoding.inputs))

    def predict(self, X: Any) -> NDArray[Any]:
        """The answer for each row of X: its label, its labels, or its number.

        Raises:
            DataError: as :meth:`outputs`.
        """
        return self.encoding.answers(self.outputs(X))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class, in the order of ``encoding.classes``, shape (rows, K); or of each label.

        Raises:
            OptionError: the model predicts numbers.
            DataError: as :meth:`outputs`.
        """
        probabilities = self.encoding.probabilities(self.outputs(X))
        if probabilities is None:
            raise OptionError("a model of numbers has no class probabilities; predict gives its numbers")
        return probabilities
