"""How many steps to make before looking up: so many that it costs nothing, so few that Ctrl-C is answered at once."""

TARGET_SECONDS = 0.1


class Pace:
    """Steps a run, from how long the last ones took. It changes when a training looks up, never what it computes."""

    most = 1_000_000

    def __init__(self) -> None:
        self.steps = 4

    def took(self, steps: int, seconds: float) -> None:
        """Moves towards runs of 0.1 s, at most four times as long as the last."""
        fitting = int(steps * TARGET_SECONDS / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 4 * steps, self.most))
