"""Who wants which steps measured, and the handing out of what was."""

from collections.abc import Collection, Sequence

import numpy as np

from backlit.engines import Statistics
from backlit.training.callbacks import Callback
from backlit.training.run import Run


class Measuring:
    """The callbacks that asked for statistics of the steps about to run."""

    def __init__(self, callbacks: Sequence[Callback], steps: range) -> None:
        asked = ((callback, callback.measures(steps)) for callback in callbacks)
        self._wanted = [(callback, wanted) for callback, wanted in asked if wanted]

    @property
    def steps(self) -> Collection[int]:
        """Those that anybody wants."""
        if len(self._wanted) == 1:
            return self._wanted[0][1]
        return {step for _, wanted in self._wanted for step in wanted}

    def hand_out(self, run: Run, statistics: Statistics | None) -> None:
        """To each what it asked for."""
        if statistics is None:
            return
        for callback, wanted in self._wanted:
            if len(self._wanted) == 1:
                callback.on_statistics(run, statistics)
            else:
                its_own = [step in wanted for step in statistics.steps.tolist()]
                callback.on_statistics(run, statistics.take(np.array(its_own, dtype=bool)))
