"""Tables of openml.org, by scikit-learn's ``fetch_openml``, which keeps what it has fetched."""

import re
import warnings
from typing import Any

from backlit.data.tables import frames
from backlit.data.tables.sources import Raw, from_frame
from backlit.errors import DataError

OPENML = "openml:"


def open_openml(source: str) -> Raw:
    """The raw columns of ``openml:NAME``, ``openml:NAME:VERSION`` or ``openml:NUMBER``, the target among them, last.

    Without a version the oldest active one is taken, as scikit-learn does.

    Raises:
        DataError: there is no such set, it cannot be fetched, or pandas, which scikit-learn needs for it, is missing.
    """
    found = _fetch(source)
    table = found.frame
    names = [str(name) for name in table.columns]
    targets = [str(name) for name in found.target_names or ()]
    order = [name for name in names if name not in targets] + [name for name in names if name in targets]
    raw = from_frame(frames.as_frame(source, table).select(order), source)
    return Raw(raw.source, raw.names, True, 0, raw.blocks, (), tuple(targets))


def _fetch(source: str) -> Any:
    from sklearn.datasets import fetch_openml

    name, _, version = source.removeprefix(OPENML).partition(":")
    if not name or not re.fullmatch(r"[0-9]*|active", version):
        raise DataError(f"{source}: is not openml:NAME, openml:NAME:VERSION or openml:NUMBER")
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise DataError(f"{source}: scikit-learn needs pandas for it; pip install 'backlit[openml]'") from None
    which: dict[str, Any] = {"data_id": int(name)} if name.isdecimal() else {"name": name}
    if version.isdecimal() and not name.isdecimal():
        which["version"] = int(version)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of several versions, and of sets that somebody found fault with
            return fetch_openml(**which, as_frame=True, parser="auto", n_retries=1)
    except Exception as failure:  # whatever the network, the server or a damaged cache come to
        said = " ".join(str(failure).split())[:150] or type(failure).__name__
        raise DataError(f"{source}: cannot be fetched from openml.org: {said}") from None
