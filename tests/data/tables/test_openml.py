"""openml: sources from scikit-learn's cache, which is filled by pages that the test serves; nothing is fetched."""

import io
import json
import re
from hashlib import md5

import numpy as np
import pytest

pytest.importorskip("pandas", reason="scikit-learn's fetch_openml needs pandas for tables")

from backlit.data import fit, read
from backlit.errors import DataError

ARFF = """@RELATION flowers
@ATTRIBUTE width NUMERIC
@ATTRIBUTE colour {red,white}
@ATTRIBUTE kind {rose,lily}
@DATA
1.5,red,rose
2.5,white,lily
?,red,rose
3.5,white,lily
"""

FEATURES = [
    {"index": str(i), "name": name, "data_type": kind, "is_target": str(name == "kind").lower(), "is_ignore": "false",
     "is_row_identifier": "false", "number_of_missing_values": "0"}
    for i, (name, kind) in enumerate([("width", "numeric"), ("colour", "nominal"), ("kind", "nominal")])
]  # fmt: skip
ABOUT = {
    "id": "7", "name": "flowers", "version": "1", "format": "ARFF", "file_id": "9", "status": "active",
    "description": "", "url": "https://www.openml.org/data/v1/download/9/flowers.arff",
    "md5_checksum": md5(ARFF.encode(), usedforsecurity=False).hexdigest(),
}  # fmt: skip
PAGES = {
    r"/data/list/data_name/flowers/": {
        "data": {"dataset": [{"did": "7", "name": "flowers", "version": "1", "status": "active"}]}
    },
    r"/data/features/7$": {"data_features": {"feature": FEATURES}},
    r"/data/qualities/7$": {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "4"}]}},
    r"/json/data/7$": {"data_set_description": ABOUT},
}


class Page(io.BytesIO):
    """As a server answers."""

    def info(self):
        return {}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """scikit-learn's data home, and what the server holds; then the network is cut."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))

    def serve(request, **_):
        url = request.full_url
        if "/download/" in url:
            return Page(ARFF.encode())
        for pattern, content in PAGES.items():
            if re.search(pattern, url):
                return Page(json.dumps(content).encode())
        raise OSError(f"no such page: {url}")

    def cut(request, **_):
        raise OSError("there is no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", serve)
    return lambda: monkeypatch.setattr("sklearn.datasets._openml.urlopen", cut)


@pytest.mark.parametrize("source", ["openml:flowers", "openml:flowers:1", "openml:7"])
def test_what_is_in_the_cache_needs_no_network(cache, source):
    first = read(source)
    cache()
    table = read(source)
    assert (table.source, table.columns, table.target) == (source, ("width", "colour"), "kind")
    assert table.y.tolist() == ["rose", "lily", "rose", "lily"] == first.y.tolist()
    encoding = fit(table, np.arange(4))
    assert encoding.inputs == ("width", "width is missing", "colour=red", "colour=white")
    assert read(source, target="width").rows == 3  # one of them is missing


def test_what_cannot_be_fetched_is_named_in_one_line(cache):
    cache()
    with pytest.raises(DataError, match=r"^openml:flowers: cannot be fetched from openml.org: .*no network") as caught:
        read("openml:flowers")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["openml:", "openml::1", "openml:flowers:new"])
def test_what_is_no_name(source):
    with pytest.raises(DataError, match="is not openml:NAME"):
        read(source)
