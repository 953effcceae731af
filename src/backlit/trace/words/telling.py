"""A pass told in words: plainly, or as a small company would tell it; in English and Chinese."""

from backlit.errors import unknown_option
from backlit.trace.record import Record
from backlit.trace.words import company, plain

VOICES = {"plain": plain.tell, "company": company.tell}


def tell(t: Record, *, lang: str = "en", voice: str = "plain") -> str:
    """The pass in words, from its own numbers.

    Raises:
        OptionError: no such language or voice, or a network too large for the company.
    """
    if voice not in VOICES:
        raise unknown_option("voice", voice, VOICES)
    return VOICES[voice](t, lang)
