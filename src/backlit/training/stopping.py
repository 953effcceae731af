"""Early stopping: the best epoch is kept, and a training that no longer gets better ends."""

from dataclasses import dataclass
from math import isnan

from backlit.errors import OptionError, unknown_option
from backlit.optimizers.base import check_number
from backlit.training.history import EpochRecord

LOWER_IS_BETTER = {
    "validation_cost": True, "validation_accuracy": False, "validation_r2": False, "cost": True, "accuracy": False,
}  # fmt: skip


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a training after ``patience`` epochs without a new best, and puts the best epoch's parameters back.

    Args:
        patience: epochs in a row; None never ends early and only keeps the best epoch.
        monitor: a column of the history: validation_cost, validation_accuracy, validation_r2, cost or accuracy.
        min_delta: a new best must be better by more than this.

    Raises:
        OptionError: an unknown column, a patience below 1, a min_delta below 0.

    >>> EarlyStopping(patience=5).monitor
    'validation_cost'
    """

    patience: int | None = 10
    monitor: str = "validation_cost"
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.monitor not in LOWER_IS_BETTER:
            raise unknown_option("monitor", self.monitor, LOWER_IS_BETTER)
        whole = isinstance(self.patience, int) and not isinstance(self.patience, bool) and self.patience >= 1
        if self.patience is not None and not whole:
            raise OptionError(f"patience must be a whole number of epochs, at least 1, not {self.patience!r}")
        check_number("early stopping", "min_delta", self.min_delta, low=0)


@dataclass(frozen=True)
class Best:
    """The best epoch so far, what it reached, and how many epochs went by since."""

    epoch: int | None = None
    value: float | None = None
    waited: int = 0

    def after(self, rule: EarlyStopping, record: EpochRecord) -> "Best":
        """The same after one more epoch."""
        value = getattr(record, rule.monitor)
        if value is None:
            return self
        sign = 1 if LOWER_IS_BETTER[rule.monitor] else -1
        first = self.value is None and not isnan(value)  # what is not a number is never the best
        if first or (self.value is not None and sign * value < sign * self.value - rule.min_delta):
            return Best(record.epoch, float(value), 0)
        return Best(self.epoch, self.value, self.waited + 1)

    def exhausted(self, rule: EarlyStopping) -> bool:
        """Whether patience has run out."""
        return rule.patience is not None and self.waited >= rule.patience


def get(early_stopping: "int | bool | EarlyStopping | None") -> EarlyStopping | None:
    """True is the default rule, a number its patience, None and False no early stopping."""
    if early_stopping is None or early_stopping is False:
        return None
    if early_stopping is True:
        return EarlyStopping()
    if isinstance(early_stopping, EarlyStopping):
        return early_stopping
    return EarlyStopping(patience=early_stopping)
