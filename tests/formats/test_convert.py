"""The two doors: which format it is, what a model made of an import answers, and what is refused at the door."""

import dataclasses

import numpy as np
import pytest
from scipy.io import savemat

import backlit as bl
from backlit import formats
from backlit.errors import OptionError, OutputPathError
from backlit.formats.extras import version_of

NETWORKS = {
    ("softmax", 3): ("classes", (0, 1, 2)),
    ("sigmoid", 1): ("classes", (0, 1)),
    ("sigmoid", 3): ("labels", ()),
    ("identity", 2): ("numbers", ()),
}


def imported(folder, output="softmax", outputs=3):
    formats.export(bl.Network([4, 5, outputs], output=output), folder / "w.mat", force=True)
    return formats.import_model(folder / "w.mat")


@pytest.mark.parametrize(("output", "outputs"), NETWORKS)
def test_what_the_outputs_mean_is_taken_from_their_activation(output, outputs, tmp_path):
    model = imported(tmp_path, output, outputs).model()
    assert (model.encoding.task, model.encoding.classes) == NETWORKS[output, outputs]
    X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert np.array_equal(model.outputs(X), model.network.predict(X))  # raw numbers go in as they are


def test_a_model_of_an_import_is_saved_and_read_with_where_it_came_from(tmp_path):
    found = imported(tmp_path)
    bl.save(found.model(classes=("a", "b", "c")), tmp_path / "net.safetensors")
    back = bl.load_model(tmp_path / "net.safetensors")
    assert back.provenance == found.provenance
    assert back.encoding.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task": "classses"}, "did you mean 'classes'"),
        ({"classes": ("a", "b")}, "3 outputs of classes need 3 different classes, and 2 are given"),
        ({"task": "numbers", "classes": ("a", "b", "c")}, "need no different classes, and 3 are given"),
    ],
)
def test_a_meaning_that_does_not_fit_is_refused(options, words, tmp_path):
    with pytest.raises(OptionError, match=words):
        imported(tmp_path).model(**options)


def test_the_dtype_can_be_another(tmp_path):
    formats.export(bl.Network([4, 5, 3]), tmp_path / "w.mat", dtype="float64")
    assert formats.import_model(tmp_path / "w.mat").network.dtype == np.float64


def test_the_format_can_be_named(tmp_path):
    savemat(tmp_path / "weights", {"Theta1": np.ones((3, 5))}, appendmat=False)
    assert formats.import_model(tmp_path / "weights", format="mat").network.sizes == (4, 3)
    with pytest.raises(OptionError, match="says no format"):
        formats.import_model(tmp_path / "weights")


def test_objects_are_known_by_what_they_are(tmp_path):
    from sklearn.neural_network import MLPRegressor

    mlp = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=500, random_state=0).fit(
        np.eye(3), [1.0, 2, 3]
    )
    assert formats.import_model(mlp).format == "scikit-learn"
    for options, words in (({"output": "relu"}, "does not"), ({"activation": "relu"}, "says itself"), ({"format": "mat"}, "of files")):  # fmt: skip # noqa: E501
        with pytest.raises(OptionError, match=words):
            formats.import_model(mlp, **options)
    with pytest.raises(OptionError, match="not a value of type int"):
        formats.import_model(3)
    with pytest.raises(OptionError, match="takes a Network or a Model, not a value of type int"):
        formats.export(3, tmp_path / "w.mat")


def test_a_torch_module_is_known():
    torch = pytest.importorskip("torch")
    assert formats.import_model(torch.nn.Linear(3, 2)).format == "torch"


needs_onnx = pytest.mark.skipif(version_of("onnx") is None, reason="onnx is not installed")
needs_keras = pytest.mark.skipif(
    version_of("keras") is None or version_of("torch") is None, reason="keras and its torch backend are not installed"
)
quiet_keras = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FORMATS = [
    "w.mat", "w.safetensors", pytest.param("w.onnx", marks=needs_onnx),
    pytest.param("w.keras", marks=[needs_keras, quiet_keras]),
]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_an_existing_file_is_kept_unless_told_otherwise(name, tmp_path):
    network = bl.Network([4, 5, 3])
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(OutputPathError, match="exists; force=True"):
        formats.export(network, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"mine"
    formats.export(network, tmp_path / name, force=True)
    assert (tmp_path / name).read_bytes() != b"mine"


@pytest.mark.parametrize("name", FORMATS[:3])
def test_an_output_that_a_file_leaves_to_its_cost_can_be_given(name, tmp_path):
    network = bl.Network([4, 5, 3], activation="tanh", output="identity", dtype="float64")
    formats.export(network, tmp_path / name)
    found = formats.import_model(tmp_path / name, output="softmax").network
    X = np.random.default_rng(0).normal(size=(5, 4))
    e = np.exp(network.predict(X))
    assert found.predict(X) == pytest.approx(e / e.sum(axis=1, keepdims=True), rel=1e-12)


def test_an_output_that_an_object_leaves_to_its_cost_can_be_given():
    torch = pytest.importorskip("torch")
    assert formats.import_model(torch.nn.Linear(3, 2), output="softmax").network.activations[-1].name == "softmax"
    if version_of("keras") is not None:
        model = formats.to_keras(bl.Network([3, 2]))
        assert formats.import_model(model, output="softmax").network.activations[-1].name == "softmax"


def test_a_suffix_may_be_in_large_letters(tmp_path):
    formats.export(bl.Network([4, 3]), tmp_path / "W.MAT")
    assert formats.import_model(tmp_path / "W.MAT").network.sizes == (4, 3)
    with pytest.raises(OptionError, match="is a pickle"):
        formats.import_model(tmp_path / "W.PT")


def test_what_a_mat_file_does_not_hold_is_said(tmp_path):
    network = bl.Network([4, 5, 5, 3], dropout=[0.5, 0.25])
    done = formats.export(network, tmp_path / "w.mat")
    assert done.lost == ("its dropout (0.5, 0.25)",)
    assert formats.export(bl.Network([4, 3]), tmp_path / "w.mat", force=True).lost == ()


def test_the_task_that_a_source_says_is_taken(tmp_path):
    found = imported(tmp_path, "sigmoid", 1)
    assert found.model().encoding.task == "classes"
    assert dataclasses.replace(found, task="labels").model().encoding.task == "labels"
    assert dataclasses.replace(found, columns=("a", "b", "c", "d")).model().encoding.columns == ("a", "b", "c", "d")
    assert dataclasses.replace(found, classes=("ham", "spam")).model().encoding.classes == ("ham", "spam")


def test_the_names_of_the_folder_are_there():
    assert sorted(formats.__all__) == formats.__all__ == dir(formats)
    for name in formats.__all__:
        assert getattr(formats, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        _ = formats.exprot


def test_a_failed_export_leaves_the_old_file(tmp_path):
    (tmp_path / "w.keras").write_bytes(b"mine")
    if version_of("keras") is None:
        pytest.skip("keras is not installed")

    class Own(bl.activations.Elementwise):
        name = "own"

        def value(self, z):
            return z

        def slope(self, z, a):
            return np.ones_like(z)

    with pytest.raises(OptionError, match="'own' is not one of Backlit's own"):
        formats.export(bl.Network([2, 1], output=Own()), tmp_path / "w.keras", force=True)
    assert (tmp_path / "w.keras").read_bytes() == b"mine"
