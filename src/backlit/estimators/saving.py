"""An estimator as a model, which is what is saved: no pickle, and nothing of scikit-learn in it."""

from typing import Any

import numpy as np

from backlit.data.encoding import Encoding
from backlit.errors import DataError
from backlit.model import Model


def model_of(estimator: Any) -> Model:
    """Network, classes and table encoding, with the parameters it was made with.

    Raises:
        DataError: classes that a model file has no words for.
    """
    network, table = estimator.network_, vars(estimator).get("encoding_")
    inputs, outputs = network.sizes[0], network.sizes[-1]
    columns = tuple(str(name) for name in getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(inputs)]))
    task, classes = _task(estimator)
    numbers = outputs if task == "numbers" else 0
    encoding = Encoding(
        columns=columns if table is None else table.names,
        offset=np.zeros(0 if table else inputs),
        scale=np.ones(0 if table else inputs),
        task=task,
        target="y",
        outputs=outputs,
        classes=classes,
        target_offset=np.zeros(numbers),
        target_scale=np.ones(numbers),
        table=table,
        target_log=np.zeros(numbers),
    )
    made_with = {name: repr(value) for name, value in estimator.get_params(deep=False).items()}
    provenance = {"estimator": type(estimator).__name__, "parameters": made_with, "epochs": estimator.n_iter_}
    return Model(network.copy(), encoding, provenance)


def _task(estimator: Any) -> tuple[str, tuple[Any, ...]]:
    if not hasattr(estimator, "classes_"):
        return "numbers", ()
    if estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1:
        return "labels", ()
    labels = estimator.classes_.tolist()
    classes = [int(label) if isinstance(label, float) and label.is_integer() else label for label in labels]
    if len(classes) < 2 or not all(isinstance(label, (str, int)) for label in classes):
        raise DataError(f"a model has two classes or more, of text or whole numbers; this one has {classes}")
    return "classes", tuple(classes)
