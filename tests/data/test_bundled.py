import numpy as np
import pytest

from backlit.data.bundled import TARGETS, read_bundled
from backlit.errors import DataError


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("digits", (1797, 64), None),
        ("iris", (150, 4), ("setosa", "versicolor", "virginica")),
        ("wine", (178, 13), ("class_0", "class_1", "class_2")),
        ("breast-cancer", (569, 30), ("malignant", "benign")),
        ("diabetes", (442, 10), None),
    ],
)
def test_each_set_is_what_it_is_known_for(name, shape, classes):
    dataset = read_bundled(name)
    assert dataset.X.shape == shape
    assert dataset.classes == classes
    assert dataset.X.flags.c_contiguous
    assert (dataset.source, dataset.target) == (name, TARGETS[name])
    assert dataset.y.dtype == (np.float64 if name == "diabetes" else np.int64)


def test_digits_are_images_from_0_to_16():
    digits = read_bundled("digits")
    assert (digits.full_scale, digits.image_shape, digits.X.dtype) == (16.0, (8, 8), np.float32)
    assert (digits.X.min(), digits.X.max()) == (0, 16)
    assert digits.columns[8] == "pixel_1_0"


def test_tables_are_in_their_own_units():
    diabetes = read_bundled("diabetes")
    age = diabetes.X[:, diabetes.columns.index("age")]
    assert (age.min(), age.max()) == (19, 79)  # years, not scikit-learn's scaled columns
    assert diabetes.X.dtype == np.float64
    assert diabetes.full_scale is None


def test_the_target_goes_by_one_name():
    assert read_bundled("iris", target="species").target == "species"
    with pytest.raises(DataError, match="iris: the target is 'species' and cannot be 'petal'"):
        read_bundled("iris", target="petal")
