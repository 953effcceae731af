"""From a source of data to what a network takes: sources, the splits of their rows, and their encoding."""

from backlit.data.dataset import Dataset
from backlit.data.encoding import Encoding, fit
from backlit.data.parts import encode_parts
from backlit.data.sources import load, open_raw, read
from backlit.data.splits import Split, split
from backlit.data.streaming import Stream, stream
from backlit.data.tables.table import Table

__all__ = [
    "Dataset", "Encoding", "Split", "Stream", "Table", "encode_parts", "fit", "load", "open_raw", "read", "split",
    "stream",
]  # fmt: skip
