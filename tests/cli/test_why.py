"""``backlit why``: the table, JSON, the picture, and a budget that is too small."""

import pytest


def test_the_table(run):
    result = run("why xor --seconds 1")
    assert (result.code, result.err) == (0, "")
    assert "one weight at a time" in result.out
    assert "16.7 minutes" in result.out


def test_json_and_the_picture(run, here):
    pytest.importorskip("matplotlib")
    result = run("why xor --seconds 1 --passes 2000 --plot why.png --json")
    assert result.code == 0
    found = result.json
    assert found["parameters"] == 13
    assert all(search["passes"][-1] <= 2000 for search in found["searches"])
    assert (here / "why.png").exists()
    again = run("why xor --seconds 1 --plot why.png")
    assert again.code == 2
    assert "why.png" in again.err


@pytest.mark.parametrize(
    ("line", "words"), [("why xor --passes 2", "passes must be at least 4"), ("why moons", "task 'moons' is not known")]
)
def test_bad_input_is_one_line(run, line, words):
    result = run(line)
    assert result.code == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1
