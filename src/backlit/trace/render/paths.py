"""Paths in a terminal: each from neuron to neuron with its factors, then the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backlit.trace.figures import figure
from backlit.trace.words.table import say

if TYPE_CHECKING:
    from backlit.trace.channels import Channels

SHOWN = 20


def text(found: Channels, *, digits: int = 6, lang: str = "en") -> str:
    """The paths and the proof, as plain text."""
    lines = [say("paths.title", lang, kind=say(f"kind.{found.kind}", lang), at=found.address, count=f"{found.count:,}")]
    for path in found.paths[:SHOWN]:
        route = " → ".join(f"{layer}:{neuron}" for layer, neuron in path.neurons)
        product = " · ".join(f"{sign} {figure(value, digits)}" for sign, value in path.factors)
        lines.append(f"  {route} → C   {figure(path.value, digits)}")
        lines.append(f"      = {product}")
    if len(found.paths) > SHOWN:
        lines.append(say("paths.more", lang, count=len(found.paths) - SHOWN))
    if not found.complete:
        lines.append(
            say(
                "paths.carried",
                lang,
                listed=len(found.paths),
                sum=figure(found.listed, digits),
                share=f"{100 * found.carried:.1f}",
            )
        )
    else:
        lines.append(say("paths.sum", lang, sum=figure(found.listed, digits)))
    gap = figure(abs(found.total - found.gradient), 2)
    lines.append(
        say(
            "paths.proof",
            lang,
            total=figure(found.total, digits),
            gradient=figure(found.gradient, digits),
            gap=gap,
        )
    )
    lines.append(f"({say('note.paths_end', lang)})")
    return "\n".join(lines)
