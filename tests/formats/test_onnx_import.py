"""ONNX in: what other exporters write, every node that is no chain's refused by its name, and hostile files."""

import warnings
from io import BytesIO

import numpy as np
import pytest

import backlit as bl
from backlit.errors import BacklitError, DataError, ModelFileError, OptionError
from backlit.formats import import_model, onnx_import

onnx = pytest.importorskip("onnx")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper

RNG = np.random.default_rng(9)
X = RNG.normal(size=(20, 4)).astype(np.float32)
W2, B2 = RNG.normal(size=(6, 4)).astype(np.float32), RNG.normal(size=6).astype(np.float32)
W3, B3 = RNG.normal(size=(3, 6)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
CONSTANTS = {
    "W2": W2, "b2": B2, "W3": W3, "b3": B3, "W2t": W2.T, "W3t": W3.T, "two": np.float32(2), "half": np.float32(0.5),
    "p": np.float32(0.25), "true": np.array(True), "false": np.array(False), "flat": np.array([-1, 6], np.int64),
    "other": np.array([3, 2, 1], np.int64), "vector": np.arange(6, dtype=np.float32),
    "square": np.eye(6, dtype=np.float32),
}  # fmt: skip


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), [output], name=f"the_{output}", **attributes)


def chain(*between, last=()):
    """Gemm, what is between (from z to a), Gemm, what is last (from y)."""
    return [node("Gemm", "x W2 b2", "z", transB=1), *between, node("Gemm", "a W3 b3", "y", transB=1), *last]


def model(nodes, output=None, shape=("rows", 4), opset=17, kind=TensorProto.FLOAT, more=(), **constants):
    used = {name for n in nodes for name in n.input}
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in {**CONSTANTS, **constants}.items()
               if name in used or name in constants]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_tensor_value_info(output or nodes[-1].output[0], kind, None), *more], initializer=tensors,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture
def read(tmp_path):
    def call(built, **options):
        content = built if isinstance(built, bytes) else built.SerializeToString()
        (tmp_path / "x.onnx").write_bytes(content)
        return onnx_import.read(tmp_path / "x.onnx", **options)

    return call


def hidden(x=X):
    return x @ W2.T + B2


RELU = [node("Relu", "z", "a")]
AFFINE = hidden() @ W3.T + B3


@pytest.mark.parametrize(
    ("nodes", "z"),
    [
        ([node("Gemm", "x W2t b2", "z")], hidden()),
        ([node("Gemm", "x W2 b2", "z", transB=1, alpha=0.5, beta=2.0)], X @ W2.T / 2 + 2 * B2),
        ([node("Gemm", "x W2", "z", transB=1)], X @ W2.T),
        ([node("MatMul", "x W2t", "m"), node("Add", "m b2", "z")], hidden()),
        ([node("MatMul", "x W2t", "m"), node("Add", "b2 m", "z")], hidden()),
        ([node("MatMul", "x W2t", "z")], X @ W2.T),
        ([node("Transpose", "W2", "Wt", perm=[1, 0]), node("MatMul", "x Wt", "m"), node("Add", "m b2", "z")], hidden()),
        ([node("Gemm", "x W2 b2", "m", transB=1), node("Add", "m vector", "z")], hidden() + np.arange(6)),
        ([node("Identity", "x", "i"), node("Gemm", "i W2 b2", "z", transB=1)], hidden()),
        ([node("Cast", "x", "i", to=1), node("Gemm", "i W2 b2", "z", transB=1)], hidden()),
        ([node("Flatten", "x", "i"), node("Gemm", "i W2 b2", "z", transB=1)], hidden()),
    ],
    ids=lambda value: " ".join(n.op_type for n in value) if isinstance(value, list) else "",
)
def test_every_way_to_write_a_layer_is_one(nodes, z, read):
    found = read(model([*nodes, *RELU, node("Gemm", "a W3 b3", "y", transB=1)]))
    assert [a.name for a in found.network.activations] == ["relu", "identity"]
    assert found.network.predict(X) == pytest.approx(np.maximum(z, 0) @ W3.T + B3, rel=1e-4, abs=1e-4)


def test_images_come_in_flat(read):
    found = read(model([node("Flatten", "x", "i"), node("Gemm", "i W2 b2", "y", transB=1)], shape=("rows", 1, 2, 2)))
    assert found.network.predict(X) == pytest.approx(hidden(), rel=1e-5, abs=1e-5)
    assert "1 × 2 × 2" in found.lost[0]


@pytest.mark.parametrize(
    ("nodes", "p"),
    [
        ([node("Relu", "z", "r"), node("Dropout", "r p false", "a")], 0.25),
        ([node("Dropout", "z p", "d"), node("Relu", "d", "a")], 0.25),
        ([node("Relu", "z", "r"), node("Dropout", "r", "a")], 0.5),
    ],
)
def test_dropout_is_kept(nodes, p, read):
    assert read(model(chain(*nodes))).network.dropout == (p,)


@pytest.mark.parametrize(
    ("last", "name"),
    [([node("Softmax", "y", "o")], "softmax"), ([node("Softmax", "y", "o", axis=1)], "softmax"),
     ([node("LogSoftmax", "y", "o", axis=-1)], "softmax"), ([node("Sigmoid", "y", "o")], "sigmoid"),
     ([node("Min", "y seventy", "m"), node("Exp", "m", "o")], "exponential")],
)  # fmt: skip
def test_outputs_are_known(last, name, read):
    found = read(model(chain(*RELU, last=last), seventy=np.float32(70)))
    assert found.network.activations[-1].name == name
    assert any("logarithms" in what for what in found.lost) == (last[0].op_type == "LogSoftmax")


def test_an_output_that_was_left_to_the_loss_can_be_given(read):
    y = np.maximum(hidden(), 0) @ W3.T + B3
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    assert read(model(chain(*RELU)), output="softmax").network.predict(X) == pytest.approx(p, rel=1e-4, abs=1e-6)


def test_float64_stays(read):
    wide = {name: value.astype(np.float64) for name, value in (("W2", W2), ("b2", B2))}
    found = read(model([node("Gemm", "x W2 b2", "y", transB=1)], kind=TensorProto.DOUBLE, **wide))
    assert found.network.dtype == np.float64
    assert found.agreement.outputs < 1e-14


WIDE = {name: CONSTANTS[name].astype(np.float64) for name in ("W2", "b2", "W3", "b3")}


def test_a_graph_that_narrows_on_its_way_is_held_to_float32(read):
    narrow = {"W3": W3, "b3": B3, "W2": WIDE["W2"], "b2": WIDE["b2"]}
    nodes = chain(node("Relu", "z", "r"), node("Cast", "r", "a", to=TensorProto.FLOAT))
    built = model(nodes, kind=TensorProto.DOUBLE, **narrow)
    built.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    found = read(built)
    assert found.network.dtype == np.float64
    assert 1e-9 < found.agreement.outputs < 1e-6


def test_inputs_of_another_dtype_than_the_weights_are_given_as_theirs(read):
    nodes = [node("Cast", "x", "i", to=TensorProto.DOUBLE), node("Gemm", "i W2 b2", "y", transB=1)]
    built = model(nodes, W2=WIDE["W2"], b2=WIDE["b2"])
    built.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    assert read(built).network.dtype == np.float64


@pytest.mark.parametrize(
    ("between", "name"),
    [
        ([node("Max", "z zero", "a")], "relu"),
        ([node("Neg", "z", "n"), node("Min", "n zero", "m"), node("Neg", "m", "a")], "relu"),
        ([node("Abs", "z", "s"), node("Add", "z s", "t"), node("Mul", "t half", "a")], "relu"),
        ([node("Abs", "z", "s"), node("Add", "s z", "t"), node("Div", "t two", "a")], "relu"),
        ([node("Neg", "z", "n"), node("Sub", "zero n", "t"), node("Tanh", "t", "a")], "tanh"),
        ([node("Exp", "z", "e"), node("Add", "e one", "f"), node("Log", "f", "a")], "softplus"),
        ([node("Softplus", "z", "s"), node("Tanh", "s", "t"), node("Mul", "z t", "m")], None),  # mish
        ([node("Celu", "z", "a", alpha=1.0)], "elu"),
    ],
    ids=str,
)
def test_an_activation_is_known_by_its_values(between, name, read):
    constants = {"zero": np.float32(0), "one": np.float32(1)}
    if name is None:
        with pytest.raises(ModelFileError, match=r"\(Mul\), up to which something is computed that is no activation"):
            read(model([*chain(*between)[:-1], node("Gemm", "m W3 b3", "y", transB=1)], **constants))
        return
    with np.errstate(over="ignore"):
        assert read(model(chain(*between), **constants)).network.activations[0].name == name


def test_where_it_came_from_is_kept(read):
    found = read(model(chain(*RELU)))
    assert found.provenance["imported"]["opset"] == 17
    assert found.provenance["imported"]["agreement"]["outputs"] == found.agreement.outputs


TORCH = ["ReLU", "GELU", "SiLU", "ELU", "Softplus", "Tanh", "Sigmoid", "LeakyReLU"]


@pytest.mark.parametrize("opset", [11, 17, 20])
@pytest.mark.parametrize("name", TORCH)
def test_what_pytorch_exports_is_read(name, opset, read):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    source = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 6), getattr(nn, name)(), nn.Linear(6, 5, bias=False), getattr(nn, name)(),
        nn.Linear(5, 3), nn.Softmax(dim=1),
    ).eval()  # fmt: skip
    content = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            source, (torch.zeros(1, 2, 2),), content, opset_version=opset, dynamo=False, input_names=["x"],
            dynamic_axes={"x": {0: "rows"}},
        )  # fmt: skip
    network = read(content.getvalue()).network
    assert network.activations[0].name == {"LeakyReLU": "leaky-relu"}.get(name, name.lower())
    with torch.no_grad():
        assert network.predict(X) == pytest.approx(source(torch.from_numpy(X)).numpy(), abs=1e-6)


# --- refused by name


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (chain(node("HardSigmoid", "z", "a")), r"node 'the_a' \(HardSigmoid\), which Backlit does not have"),
        (chain(node("LeakyRelu", "z", "a", alpha=0.2)), r"'the_a' \(LeakyRelu\), up to which something is computed"),
        (chain(node("Elu", "z", "a", alpha=0.5)), r"'the_a' \(Elu\)"),
        (chain(node("Relu", "z", "r"), node("Tanh", "r", "a")), r"'the_a' \(Tanh\), up to which something"),
        (chain(node("Mul", "z two", "a")), r"'the_a' \(Mul\), up to which something"),
        (chain(node("Mul", "z vector", "a")), r"'the_a' \(Mul\) with a constant of shape \(6,\)"),
        (chain(node("Conv", "z square", "a")), r"'the_a' \(Conv\)"),
        (chain(node("BatchNormalization", "z vector vector vector vector", "a")), "BatchNormalization"),
        (chain(node("Transpose", "z", "a")), r"\(Transpose\), which Backlit does not have"),
        (chain(node("MatMul", "z z", "a")), "whose weights are not constants"),
        (chain(node("MatMul", "square z", "a")), "whose weights are not constants"),
        (chain(node("Gemm", "z square b2", "a", transA=1)), "rows not transposed"),
        (chain(node("Gemm", "z square W3", "a")), "with a bias of shape"),
        (chain(node("Softmax", "z", "a", axis=0)), "over axis 0"),
        (chain(node("Softmax", "z", "s"), node("Relu", "s", "a")), "goes on after a softmax"),
        (chain(node("Softmax", "z", "a")), "softmax, which Backlit has for the output layer only"),
        (chain(node("Dropout", "z p true", "a")), "in training mode"),
        (chain(node("Dropout", "z two", "a")), "drops with probability 2"),
        (chain(node("Cast", "z", "a", to=7)), "to ONNX's type 7"),
        (chain(node("Reshape", "z other", "a")), "more than flatten"),
        (chain(node("Flatten", "z", "a", axis=0)), "more than flatten"),
        (chain(node("Relu", "z", "a", why=3)), "with the attribute 'why'"),
        (chain(node("Gelu", "z", "a", approximate="tanh")), r"'the_a' \(Gelu\), up to which"),
        ([node("Relu", "x", "z"), *chain(node("Relu", "z2", "a"))[1:]], "comes from nowhere"),
        ([node("Relu", "x", "i"), node("Gemm", "i W2 b2", "y", transB=1)], "stands before the first layer"),
        ([node("Relu", "x", "y")], "no layer computes"),
        (chain(node("Relu", "z", "a"), last=[node("Gemm", "z W3 b3", "y2", transB=1)]), "branch"),
        (chain(node("Relu", "z", "r"), node("Gemm", "r square vector", "h"), node("Add", "h r", "a")), "joins what"),
        (chain(node("Relu", "later", "a"), node("Relu", "a", "later")), "circle|not there yet"),
        (chain(node("Relu", "z", "z")), "no output of its own"),
        (chain(*RELU, last=[node("Softmax", "y", "s"), node("Softmax", "s", "o")]), "over axis -1, or after an activ"),
        (chain(*RELU, last=[node("Sigmoid", "y", "s"), node("Softmax", "s", "o")]), "over axis -1, or after an activ"),
        ([node("Relu", "x", "r"), node("Flatten", "r", "i"), node("Gemm", "i W2 b2", "y", transB=1)], "more than flat"),
        ([node("Transpose", "W2", "Wt", perm=[0, 1]), *chain(*RELU)], "on constants, which is not read"),
        (chain(node("Elu", "z", "a", alpha=1.0, why=2.0)), "with the attribute 'why'"),
        ([node("Gemm", "x W2 b2", "z", transB=1), node("Relu", "z", "a"), node("Add", "z b2", "k"),
          node("Gemm", "a W3 b3", "y", transB=1)], "with a constant of shape|branch"),
        ([node("Gemm", "x W2 b2", "z", transB=1), node("Gemm", "z square b2", "h", transB=1), node("Relu", "h", "r"),
          node("Gemm", "z W3 b3", "y", transB=1)], "a branch: a chain of layers has none"),
    ],
    ids=lambda value: " ".join(n.op_type for n in value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_no_chain_is_refused_by_its_nodes_name(nodes, words, read):
    with pytest.raises(BacklitError, match=words):
        read(model(nodes, opset=20 if any(n.op_type == "Gelu" for n in nodes) else 17))


def test_several_outputs_are_refused(read):
    more = [helper.make_tensor_value_info("a", TensorProto.FLOAT, None)]
    with pytest.raises(ModelFileError, match=r"has 1 input \('x'\) and 2 outputs \('y', 'a'\)"):
        read(model(chain(*RELU), more=more))


@pytest.mark.parametrize(("task", "output"), [("classes", "softmax"), ("numbers", "identity")])
def test_a_model_exported_with_its_encoding_says_what_to_import(task, output, read):
    from backlit.data.encoding import Encoding
    from backlit.formats import onnx_export

    numbers = np.ones(3 if task == "numbers" else 0)
    encoding = Encoding(
        tuple("abcd"), np.zeros(4), np.ones(4), task, "y", 3, ("a", "b", "c") if task == "classes" else (),
        target_offset=numbers, target_scale=numbers,
    )  # fmt: skip
    content = onnx_export.make(bl.Model(bl.Network([4, 3], output=output), encoding)).content
    with pytest.raises(ModelFileError, match=r"exported with its encoding, .* \(backlit export --network-only\)"):
        read(content)


def changed(change):
    built = model(chain(*RELU))
    change(built)
    return built


def external(built):
    tensor = built.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def huge(built):
    built.graph.initializer[0].dims[0] = 2**60


def short(built):
    built.graph.initializer[0].raw_data = built.graph.initializer[0].raw_data[:-4]


def negative(built):
    built.graph.initializer[0].dims[0] = -6


def text(built):
    built.graph.initializer[0].data_type = TensorProto.STRING


def twice(built):
    built.graph.initializer.append(built.graph.initializer[0])


def functions(built):
    built.functions.append(helper.make_function("mine", "f", ["x"], ["y"], [], [helper.make_opsetid("", 17)]))


def domain(built):
    built.graph.node[1].domain = "ai.onnx.ml"


def old(built):
    built.opset_import[0].version = 6


def no_nodes(built):
    del built.graph.node[:]


def not_finite(built):
    built.graph.initializer[1].raw_data = np.full(6, np.nan, np.float32).tobytes()


def external_by_its_place(built):
    built.graph.initializer[0].data_location = TensorProto.EXTERNAL


def external_by_its_name(built):
    entry = built.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def segment(built):
    built.graph.initializer[0].segment.begin = 0


def text_beside(built):
    built.graph.initializer[0].string_data.append(b"x")


def long(built):
    built.graph.initializer[0].raw_data += bytes(4)


def as_field(extra):
    def change(built):
        tensor = built.graph.initializer[1]
        tensor.ClearField("raw_data")
        tensor.float_data.extend([*B2.tolist(), *[0.0] * extra][: 6 + extra])

    return change


def attribute_twice(built):
    gemm = built.graph.node[0]
    gemm.attribute.append(gemm.attribute[0])


def sparse(built):
    built.graph.sparse_initializer.add().dims.extend([6, 4])


def mask_used(built):
    built.CopyFrom(model(chain(*RELU)))
    nodes = [
        helper.make_node("Gemm", ["x", "W2", "b2"], ["z"], transB=1), helper.make_node("Dropout", ["z"], ["d", "mask"]),
        helper.make_node("Cast", ["mask"], ["m"], to=1), helper.make_node("Mul", ["d", "m"], ["a"]),
        helper.make_node("Gemm", ["a", "W3", "b3"], ["y"], transB=1),
    ]  # fmt: skip
    del built.graph.node[:]
    built.graph.node.extend(nodes)


def test_numbers_may_be_in_their_field(read):
    built = changed(as_field(0))
    assert read(built).network.layer(2).b == pytest.approx(B2)


def test_halves_in_their_field_are_bits(read):
    built = changed(lambda built: None)
    tensor = built.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_type = TensorProto.FLOAT16
    tensor.int32_data.extend(B2.astype(np.float16).view(np.uint16).astype(int).tolist())
    tensor.name = "b2half"
    built.graph.node.insert(0, node("Cast", "b2half", "b2", to=1))
    assert np.array_equal(read(built).network.layer(2).b, B2.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external_by_its_place, "in another file, which is not opened"), (segment, "is in segments, or text"),
        (external_by_its_name, "in another file, which is not opened"), (text_beside, "is in segments, or text"),
        (long, "claims 24 numbers of 4 bytes and has 100"), (as_field(-1), "claims 6 numbers and has 5"),
        (as_field(1), "claims 6 numbers and has 7"), (attribute_twice, "with the attribute 'transB'"),
        (sparse, "has sparse tensors"), (mask_used, "whose mask is used"),
        (external, "in another file, which is not opened"), (huge, "claims"), (short, "claims 24 numbers"),
        (negative, "claims the shape"), (text, "of ONNX's type 8"), (twice, "twice"),
        (functions, "functions of its own"),
        (domain, "of the domain 'ai.onnx.ml'"), (old, r"has the opset '?\[6\]"), (no_nodes, "no node in its graph"),
        (not_finite, "not finite"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused(change, words, read):
    with pytest.raises((ModelFileError, DataError), match=words):
        read(changed(change))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"not onnx", b"\x08" * 50, b"\x0a\xff\xff\xff\xff\x0f"])
def test_what_is_no_onnx_file_is_refused(content, read):
    with pytest.raises(ModelFileError, match=r"is empty|not an ONNX file"):
        read(content)


def test_many_nodes_are_refused_before_they_are_walked(read, monkeypatch):
    from backlit.formats import onnx_walk

    monkeypatch.setattr(onnx_walk, "MOST_NODES", 2)
    with pytest.raises(ModelFileError, match="3 nodes; a chain of layers has 2 at most"):
        read(model(chain(*RELU)))


def test_a_graph_that_was_misread_would_be_seen(read, monkeypatch):
    from backlit.formats import onnx_flow

    monkeypatch.setattr(onnx_flow, "OPERATORS", dict(onnx_flow.OPERATORS))
    monkeypatch.setitem(onnx_flow.OPERATORS, "Tanh", onnx_flow.OPERATORS["Sigmoid"])
    from backlit.formats import onnx_walk

    monkeypatch.setattr(onnx_walk, "OPERATORS", onnx_flow.OPERATORS)
    with pytest.raises(OptionError, match="does not compute what ONNX"):
        read(model(chain(node("Tanh", "z", "a"))))


def test_without_onnx_runtime_the_reference_evaluator_runs_it(read, monkeypatch):
    from backlit.formats import onnx_run

    found = onnx_run.version_of
    monkeypatch.setattr(onnx_run, "version_of", lambda name: None if name == "onnxruntime" else found(name))
    agreement = read(model(chain(*RELU))).agreement
    assert agreement.against == f"ONNX's reference evaluator {onnx.__version__}"
    assert agreement.outputs < 1e-6


def test_an_onnx_file_takes_no_activation(tmp_path):
    bl.formats.export(bl.Network([4, 3]), tmp_path / "x.onnx")
    with pytest.raises(OptionError, match="an ONNX file says its own"):
        import_model(tmp_path / "x.onnx", activation="relu")
