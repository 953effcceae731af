"""A model file that says what is not so is refused: in one line, by name, before anything is allocated from it."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.errors import BacklitError, ModelFileError
from backlit.formats import container, model_file
from backlit.model import Model
from backlit.network import Network

DOCUMENT: dict[str, Any] = {
    "network": {
        "sizes": [2, 2, 3], "activations": ["tanh", "softmax"], "dropout": [0.25], "initializer": "auto", "seed": 4,
        "dtype": "float32",
    },
    "encoding": {
        "columns": ["length", "width"], "offset": [0.5, -1.0], "scale": [2.0, 1.0], "task": "classes", "target": "iris",
        "outputs": 3, "classes": ["a", "b", "c"], "codes": [0, 1, 2], "target_offset": [], "target_scale": [],
        "image_shape": None, "full_scale": None, "table": None, "target_log": [],
    },
    "provenance": {"source": "iris", "history": [1.0, None]},
}  # fmt: skip
TENSORS: dict[str, Any] = {
    "layer2.W": np.arange(4, dtype=np.float32).reshape(2, 2), "layer2.b": np.zeros(2, dtype=np.float32),
    "layer3.W": np.arange(6, dtype=np.float32).reshape(3, 2), "layer3.b": np.ones(3, dtype=np.float32),
}  # fmt: skip
Place = tuple[str | int, ...]
READERS: list[Callable[[Any], object]] = [model_file.load, model_file.load_model, model_file.read]

quick = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
long = settings(quick, max_examples=20_000)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    path.touch()
    return path


def write(path: Path, content: bytes) -> None:
    with open(path, "r+b") as stream:  # a file emptied first is written through to the disk, which takes a while
        stream.write(content)
        stream.truncate()


def changed(changes: dict[Place, Any], value: Any = DOCUMENT, place: Place = ()) -> Any:
    """The document with other values in those places."""
    if place in changes:
        return changes[place]
    if isinstance(value, dict):
        return {name: changed(changes, inner, (*place, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed(changes, inner, (*place, number)) for number, inner in enumerate(value)]
    return value


def places(value: Any = DOCUMENT, place: Place = ()) -> Iterator[Place]:
    """Of every value in the document."""
    if place:
        yield place
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from places(inner, (*place, name))


PLACES = list(places())


def sealed(content: bytes) -> bytes:
    """With the digest of its bytes, where it has a place for one: so that more is read than the digest."""
    if content[8:35] != container.HEADER_START:
        return content
    return content[:35] + container.digest(content, b"") + content[67:]


def refusal(path: Path, read: Callable[[Any], object] = model_file.read) -> str:
    with pytest.raises(ModelFileError) as caught:
        read(path)
    message = str(caught.value)
    assert type(caught.value) is ModelFileError
    assert message.startswith(f"{path} ")
    assert message.isprintable()  # in one line, and with nothing a terminal would obey
    assert len(message) < len(str(path)) + 400
    return message


def loads_or_is_refused(path: Path, content: bytes) -> Network | Model | None:
    write(path, content)
    try:
        held = model_file.read(path)
    except ModelFileError:
        refusal(path)
        return None
    network = held.network if isinstance(held, Model) else held
    # What is loaded is what the file says: nothing is made up.
    with safetensors.safe_open(path, framework="numpy") as file:
        described = json.loads(file.metadata()["document"])["network"]
        numbers = sum(file.get_tensor(name).size for name in file.keys())  # noqa: SIM118 - it is no dict
    assert list(network.sizes) == described["sizes"]
    assert network.parameters.size == numbers
    assert np.isfinite(network.parameters).all()
    return held


def test_these_are_the_document_and_the_tensors_of_the_small_model(path: Path) -> None:
    """What everything below changes one thing in."""
    write(path, container.pack(TENSORS, DOCUMENT, "model"))
    model = model_file.load_model(path)
    assert model.network.layer(3).W.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert model.encoding.to_dict() == DOCUMENT["encoding"]
    assert model.provenance == DOCUMENT["provenance"]
    again = path.parent / "again"
    model_file.save(model, again)
    assert again.read_bytes() == path.read_bytes()
    assert {place[0] for place in PLACES} == set(DOCUMENT)
    assert len(PLACES) == 45


NO_FIELDS = "its network has not the fields sizes, activations, dropout, initializer, seed, dtype"
DEEP: Any = 0
for _ in range(400):
    DEEP = [DEEP]
LIES: dict[str, tuple[Place, Any, str]] = {
    "a field more": (("network",), DOCUMENT["network"] | {"code": "import os"}, NO_FIELDS),
    "a part more": ((), DOCUMENT | {"code": "import os"}, "its document has not the fields network, encoding,"),
    "no network": (("network",), None, NO_FIELDS),
    "sizes of text": (("network", "sizes"), "2, 2, 3", "its sizes are '2, 2, 3'"),
    "no layer": (("network", "sizes"), [], "its sizes are []; a network has two layers or more"),
    "one layer": (("network", "sizes"), [2], "its sizes are [2]; a network has two layers or more"),
    "another layer": (("network", "sizes"), [2, 2, 2, 3], "its dropout are [0.25]"),
    "a layer of none": (("network", "sizes"), [2, 0, 3], "its sizes are [2, 0, 3]"),
    "a negative layer": (("network", "sizes"), [2, -2, 3], "its sizes are [2, -2, 3]"),
    "a true layer": (("network", "sizes"), [True, 2, 3], "its sizes are [True, 2, 3]"),
    "half a neuron": (("network", "sizes"), [2, 2.5, 3], "its sizes are [2, 2.5, 3]"),
    "a whole number with a point": (("network", "sizes"), [2.0, 2, 3], "its sizes are [2.0, 2, 3]"),
    "another number of neurons": (("network", "sizes", 1), 3, "layer2.W is float32 of shape (2, 2), and its network"),
    "other inputs": (("network", "sizes", 0), 3, "layer2.W is float32 of shape (2, 2), and its network needs float32"),
    "an endless layer": (("network", "sizes", 1), 2**70, "its sizes are [2, 1180591620717411303424, 3]"),
    "an output of 10^12 neurons": (("network", "sizes", 2), 10**12, "needs float32 of (1000000000000, 2)"),
    "sizes nested": (("network", "sizes"), DEEP, "its sizes are [[[["),
    "activations of text": (("network", "activations"), "tanh", "its activations are 'tanh'"),
    "too few activations": (("network", "activations"), ["softmax"], "its activations are ['softmax']"),
    "an activation a list": (("network", "activations", 0), ["tanh"], "its activations are [['tanh'], 'softmax']"),
    "an activation unknown": (("network", "activations", 0), "os.system", "layer 2 has an activation 'os.system'"),
    "an output unknown": (("network", "activations", 1), "", "layer 3 has an activation ''"),
    "an output inside": (("network", "activations", 0), "softmax", "an activation 'softmax', which is none"),
    "dropout of none": (("network", "dropout"), None, "its dropout are None"),
    "dropout of text": (("network", "dropout"), ["0.5"], "its dropout are ['0.5']"),
    "dropout of 1": (("network", "dropout"), [1], "its dropout are [1]"),
    "dropout below 0": (("network", "dropout"), [-0.1], "its dropout are [-0.1]"),
    "dropout false": (("network", "dropout"), [False], "its dropout are [False]"),
    "dropout of the output": (("network", "dropout"), [0.5, 0.5], "its dropout are [0.5, 0.5]"),
    "an initializer of 1": (("network", "initializer"), 1, "its initializer is 1 and its seed 4"),
    "a seed of text": (("network", "seed"), "4", "its initializer is 'auto' and its seed '4'"),
    "a seed with a point": (("network", "seed"), 4.0, "its initializer is 'auto' and its seed 4.0"),
    "a true seed": (("network", "seed"), True, "its seed True"),
    "a seed below 0": (("network", "seed"), -1, "its seed -1"),
    "a seed of 2^64": (("network", "seed"), 2**64, "its seed 18446744073709551616"),
    "another dtype": (("network", "dtype"), "float64", "layer2.W is float32 of shape (2, 2), and its"),
    "an unknown dtype": (("network", "dtype"), "float16", "its dtype is 'float16'"),
    "a dtype that is a list": (("network", "dtype"), ["float32"], "its dtype is ['float32']"),
    "a dtype that is code": (("network", "dtype"), "f4,(1000000,1000000)f4", "its dtype is 'f4,(1000000,1000000)f4'"),
    "an encoding of text": (("encoding",), "classes", "its encoding or its provenance is not an object"),
    "an encoding of nothing": (("encoding",), {}, "missing"),
    "an encoding of other columns": (("encoding", "columns"), ["x"], "encoding: "),
    "an encoding of other outputs": (("encoding", "outputs"), 2, "encoding: outputs are 2 for 3 classes"),
    "an encoding of another model": (
        ("encoding",),
        DOCUMENT["encoding"] | {"classes": ["a", "b"], "codes": [], "outputs": 2},
        "the encoding has 2 inputs and 2 outputs, the network 2 inputs and 3 outputs",
    ),
    "a scale of 0": (("encoding", "scale", 1), 0, "encoding: scale[1] is 0, and must be above 0"),
    "a class twice": (("encoding", "classes", 1), "a", "encoding: classes has the same value twice"),
    "a provenance of none": (("provenance",), None, "its encoding or its provenance is not an object"),
    "a provenance of text": (("provenance",), "iris", "its encoding or its provenance is not an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_name(path: Path, name: str) -> None:
    place, value, reason = LIES[name]
    write(path, container.pack(TENSORS, changed({place: value}), "model"))
    messages = {refusal(path, read) for read in READERS}
    assert len(messages) == 1
    (message,) = messages
    assert reason in message
    assert message.endswith("; take another copy of it")


JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e300, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**400,
    "", "0", "float64", "softmax", "\x1b[2J", "\ud800", "é" * 300,
    [], [[]], [0], [1.0], ["a"], [None] * 3, [2, 2, 3], [{}], DEEP, {}, {"a": 1}, {"__class__": "os.system"},
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_junk_anywhere_in_the_document_loads_or_is_refused(path: Path, place: Place) -> None:
    refused = [
        loads_or_is_refused(path, container.pack(TENSORS, changed({place: junk}), "model")) is None for junk in JUNK
    ]
    # A provenance is whatever it is. Everywhere else few of these values can be meant: most where a name stands.
    if place[0] != "provenance" or place == ("provenance",):
        assert sum(refused) >= len(JUNK) // 2, [junk for junk, wrong in zip(JUNK, refused, strict=True) if not wrong]
    else:
        assert not any(refused)


SINCE = {("encoding", "table"), ("encoding", "target_log")}
"""What files from before there were tables lack, and are read all the same."""

FIELDS = [
    place
    for place in PLACES
    if isinstance(place[-1], str) and (place[0] != "provenance" or len(place) == 1) and place not in SINCE
]


@pytest.mark.parametrize("place", FIELDS, ids=lambda place: ".".join(map(str, place)))
def test_no_field_can_be_left_out(path: Path, place: Place) -> None:
    *parent, name = place
    document = changed({})
    fields = document[parent[0]] if parent else document
    del fields[name]
    write(path, container.pack(TENSORS, document, "model"))
    assert "is damaged: " in refusal(path)


def with_tensors(**change: Any) -> dict[str, Any]:
    """The small model's, some replaced (``layer2_W`` is layer2.W), or left out where None."""
    tensors = TENSORS | {name.replace("_", "."): tensor for name, tensor in change.items()}
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


WRONG_TENSORS = {
    "one missing": (with_tensors(layer3_b=None), "its 3 layers need 4 tensors, and it has 3"),
    "none": ({}, "its 3 layers need 4 tensors, and it has 0"),
    "one more": (with_tensors(more=np.zeros(3)), "its 3 layers need 4 tensors, and it has 5"),
    "one of another name": (with_tensors(layer3_b=None, layer3_B=np.ones(3, dtype="f4")), "it has no tensor layer3.b"),
    "one of another shape": (with_tensors(layer3_W=np.ones((2, 3), dtype="f4")), "layer3.W is float32 of shape (2, 3)"),
    "one of other dimensions": (with_tensors(layer3_b=np.ones((3, 1), dtype="f4")), "layer3.b is float32 of shape"),
    "one of another dtype": (with_tensors(layer3_b=np.ones(3)), "layer3.b is float64 of shape (3,)"),
    "one of whole numbers": (with_tensors(layer3_b=np.ones(3, dtype="i8")), "layer3.b is int64 of shape (3,)"),
    "one with NaN": (
        with_tensors(layer3_b=np.array([0, np.nan, 0], dtype="f4")), "layer3.b holds a number that is not finite",
    ),
    "one with infinity": (
        with_tensors(layer2_W=np.full((2, 2), -np.inf, dtype="f4")), "layer2.W holds a number that is not finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_tensors_that_are_not_the_networks_are_refused(path: Path, name: str) -> None:
    tensors, reason = WRONG_TENSORS[name]
    write(path, container.pack(tensors, DOCUMENT, "model"))
    assert reason in refusal(path)


@pytest.mark.parametrize(
    "sizes",
    [[784, 10**12], [10**12, 10**12], [2**48, 2**48, 2**48], [1] * 100_000, [2, *[10**9] * 20_000, 3]],
    ids=["784-10^12", "10^12-10^12", "2^48-2^48-2^48", "100,000 layers", "20,000 layers of 10^9"],
)
def test_a_network_that_is_claimed_is_not_allocated_before_its_bytes_are_seen(path: Path, sizes: list[int]) -> None:
    described = DOCUMENT["network"] | {
        "sizes": sizes, "activations": ["relu"] * (len(sizes) - 1), "dropout": [0.0] * (len(sizes) - 2),
    }  # fmt: skip
    content = container.pack(TENSORS, {"network": described, "encoding": None, "provenance": {}}, "model")
    write(path, content)
    tracemalloc.start()
    try:
        refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The file as text, its document as text and as Python's lists; of the network's numbers there are none.
    assert peak < 2**20 + 20 * len(content)


@pytest.mark.parametrize("place", [("provenance", "source"), ("encoding", "offset"), ("network", "sizes")])
def test_a_document_nested_to_the_edge_of_the_stack_is_refused_or_loaded(path: Path, place: Place) -> None:
    """However little of the stack that leaves to whoever looks at it next."""
    document = json.dumps(changed({place: "deep"}))
    outcomes = set()
    for depth in [*range(0, 400, 40), *range(400, 1100, 3), 5000, 50_000]:
        nested = document.replace('"deep"', "[" * depth + "0" + "]" * depth)
        content = container.pack(TENSORS, {}, "model")
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header["__metadata__"]["document"] = nested
        head = json.dumps(header, separators=(",", ":")).encode()
        outcomes.add(
            loads_or_is_refused(path, sealed(len(head).to_bytes(8, "little") + head + content[start:])) is None
        )
    assert outcomes == ({True, False} if place[0] == "provenance" else {True})


def test_files_that_are_no_model_files(path: Path) -> None:
    folder = path.parent
    write(path, container.pack(TENSORS, DOCUMENT, "checkpoint"))
    assert "holds a training checkpoint, not a model" in refusal(path)
    write(path, safetensors.numpy.save(TENSORS))
    assert "is a safetensors file, but Backlit did not write it" in refusal(path)
    write(path, b"\x80\x04\x95" + bytes(100))
    assert "is not a safetensors file" in refusal(path)
    write(path, b"")
    assert "is empty" in refusal(path)
    assert "is a folder; name a file in it" in refusal(folder)
    assert "cannot be read: No such file or directory" in refusal(folder / "missing")
    for read in READERS:
        refusal(path, read)
    assert issubclass(ModelFileError, BacklitError)


# ---- Whatever becomes of its bytes

CONTENT = container.pack(TENSORS, DOCUMENT, "model")
START = 8 + int.from_bytes(CONTENT[:8], "little")


def test_truncated_at_every_length(path: Path) -> None:
    for length in range(len(CONTENT)):
        assert loads_or_is_refused(path, CONTENT[:length]) is None, length


def test_every_bit_flipped(path: Path) -> None:
    """A flipped bit of a weight is another weight, as good as the first to anything but the digest."""
    for place in range(len(CONTENT)):
        for bit in range(8):
            flipped = bytearray(CONTENT)
            flipped[place] ^= 1 << bit
            assert loads_or_is_refused(path, bytes(flipped)) is None, (place, bit)
            if place >= START:
                assert "is damaged: its digest is not that of its bytes; take another copy of it" in refusal(path)


def test_every_bit_flipped_by_somebody_who_knows_the_digest(path: Path) -> None:
    """It guards against disks, not against people: what they write is another model, or refused for what it says."""
    for place in range(START, len(CONTENT)):
        for bit in range(8):
            flipped = bytearray(CONTENT)
            flipped[place] ^= 1 << bit
            held = loads_or_is_refused(path, sealed(bytes(flipped)))
            if held is None:
                assert "holds a number that is not finite" in refusal(path)
                continue
            assert isinstance(held, Model)
            stored = b"".join(tensor.tobytes() for tensor in TENSORS.values())
            wrong = sum(a != b for a, b in zip(held.network.parameters.tobytes(), stored, strict=True))
            assert wrong == 1


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["tanh", "softmax", "float32", "classes", "numbers", "labels", 1, 2, 3, 0.5]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@quick
@given(changes=st.dictionaries(st.sampled_from(PLACES), ANY_JSON, min_size=1, max_size=3))
def test_any_json_anywhere_in_the_document(path: Path, changes: dict[Place, Any]) -> None:
    loads_or_is_refused(path, container.pack(TENSORS, changed(changes), "model"))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The file with some bytes put over others, taken out or put in, its header's length made true again or not."""
    content = bytearray(CONTENT)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 9))
        content[at : at + length] = draw(
            st.binary(max_size=9) | st.sampled_from([b"0", b"9" * 20, b"[", b'"', b"null"])
        )
    if draw(st.booleans()):
        content[:8] = max(len(content) - (len(CONTENT) - START) - 8, 0).to_bytes(8, "little")
    return sealed(bytes(content)) if draw(st.integers(0, 3)) else bytes(content)


@quick
@given(content=mutated())
def test_mutations(path: Path, content: bytes) -> None:
    loads_or_is_refused(path, content)


@pytest.mark.slow
@long
@given(content=mutated())
def test_many_mutations(path: Path, content: bytes) -> None:
    loads_or_is_refused(path, content)
