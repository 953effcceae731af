"""From a source of data to what a network takes: sources, the splits of their rows, and their encoding."""

from backlit.data.dataset import Dataset
from backlit.data.encoding import Encoding
from backlit.data.sources import load, read
from backlit.data.splits import Split, split
from backlit.data.streaming import Stream, stream

__all__ = ["Dataset", "Encoding", "Split", "Stream", "load", "read", "split", "stream"]
