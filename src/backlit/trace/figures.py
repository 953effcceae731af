"""How a number is written: significant digits, a true minus, infinities by their sign. The page writes the same."""

import math


def figure(value: float, digits: int = 6) -> str:
    """The number to so many significant digits; 17 are enough to read the same float64 back.

    >>> figure(-0.0381), figure(1.25e-7), figure(3.0), figure(float("inf"))
    ('−0.0381', '1.25e−7', '3', '∞')
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        text = f"{mantissa}e{int(exponent)}"
    return "0" if text == "-0" else text.replace("-", "−")


def figure_latex(value: float, digits: int = 6) -> str:
    r"""The same for LaTeX, powers of ten written out.

    >>> print(figure_latex(-1.25e-7))
    -1.25\cdot 10^{-7}
    """
    text = figure(value, digits).replace("−", "-").replace("∞", r"\infty").replace("undefined", r"\text{undefined}")
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa}\cdot 10^{{{exponent}}}" if e and exponent.lstrip("-").isdigit() else text


def spark(counts: list[int]) -> str:
    """A histogram as a line of blocks.

    >>> spark([0, 1, 2, 4])
    ' ▂▄█'
    """
    top = max(counts, default=0) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[math.ceil(8 * count / top)] for count in counts)
