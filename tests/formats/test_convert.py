"""The two doors: which format it is, what a model made of an import answers, and what is refused at the door."""

import numpy as np
import pytest
from scipy.io import savemat

import backlit as bl
from backlit import formats
from backlit.errors import OptionError

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


def test_the_names_of_the_folder_are_there():
    assert sorted(formats.__all__) == formats.__all__ == dir(formats)
    for name in formats.__all__:
        assert getattr(formats, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        _ = formats.exprot


def test_a_failed_export_leaves_the_old_file(tmp_path):
    (tmp_path / "w.keras").write_bytes(b"mine")
    from backlit.formats.extras import version_of

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
