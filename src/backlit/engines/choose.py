"""Which engine executes a training: the fastest that can do all of it, and why that one."""

from dataclasses import dataclass

from backlit.engines.base import Engine
from backlit.engines.native import NativeEngine
from backlit.engines.reference import ReferenceEngine
from backlit.errors import OptionError, unknown_option
from backlit.network import Network
from backlit.objective import Objective
from backlit.optimizers import Optimizer

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (NativeEngine(), ReferenceEngine())}
"""From the fastest to the one that does everything."""


@dataclass(frozen=True)
class Choice:
    """An engine and the reason it was taken."""

    engine: Engine
    reason: str


def choose(
    engine: str | Engine,
    network: Network,
    objective: Objective | None = None,
    optimizer: Optimizer | None = None,
) -> Choice:
    """The engine asked for, or with ``auto`` the fastest that supports everything asked for.

    Raises:
        OptionError: the name is unknown, or the engine asked for cannot do what is asked of it.
    """
    if isinstance(engine, Engine):
        found, reason = engine, "asked for"
    elif not isinstance(engine, str):
        raise unknown_option("engine", engine, [*ENGINES, "auto"])
    elif engine == "auto":
        refusals: list[str] = []
        for found in ENGINES.values():
            why_not = found.unsupported(network, objective, optimizer)
            if why_not is None:
                return Choice(found, "; ".join([*refusals, "the fastest that supports all that is asked"]))
            refusals.append(f"not {found.name}: {why_not}")
        raise OptionError(f"no engine can do this: {'; '.join(refusals)}")
    elif engine in ENGINES:
        found, reason = ENGINES[engine], "asked for"
    else:
        raise unknown_option("engine", engine, [*ENGINES, "auto"])
    why_not = found.unsupported(network, objective, optimizer)
    if why_not is not None:
        raise OptionError(f"engine '{found.name}' cannot do this: {why_not}; use engine 'auto'")
    return Choice(found, reason)
