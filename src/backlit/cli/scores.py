"""The scores of a model on rows it is given, by scikit-learn's metrics, in the target's own units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.model import Model
from backlit.notation import Array


def of(model: Model, X: NDArray[Any], y: NDArray[Any]) -> dict[str, float]:
    """The scores of the answers to raw X against raw y.

    Classes: accuracy, balanced accuracy (the mean over the classes of the share of their rows that is right) and log
    loss; labels: the share of rows with every label right, and the share of labels that are right; numbers: R² (of two
    rows or more), root mean squared error and mean absolute error.

    Raises:
        DataError: X or y is not what the model was trained for; an unknown class is named.
    """
    a = model.outputs(X)
    known = model.encoding.targets(y, np.float64)
    answers, truth = model.encoding.answers(a), model.encoding.answers(known)
    if model.encoding.task == "numbers":
        return _of_numbers(answers, truth)
    right = answers == truth
    if model.encoding.task == "labels":
        right = right.reshape(len(right), -1)
        return {"exact_match": float(right.all(axis=1).mean()), "label_accuracy": float(right.mean())}
    return _of_classes(right, known, model.encoding.probabilities(a))


def _of_numbers(answers: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    from sklearn import metrics

    scores = {
        "rmse": float(metrics.mean_squared_error(truth, answers)) ** 0.5,
        "mae": float(metrics.mean_absolute_error(truth, answers)),
    }
    return {"r2": float(metrics.r2_score(truth, answers)), **scores} if len(truth) > 1 else scores


def _of_classes(right: NDArray[Any], known: Array, probabilities: Array | None) -> dict[str, float]:
    from sklearn import metrics

    assert probabilities is not None
    classes = (known[:, 0] if known.shape[1] == 1 else known.argmax(axis=1)).astype(np.int64)
    # scikit-learn's own balanced accuracy warns where a class was predicted of which there is no row
    recall = [right[classes == k].mean() for k in np.unique(classes)]
    labels = np.arange(probabilities.shape[1])
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recall)),
        "log_loss": float(metrics.log_loss(classes, probabilities, labels=labels)),
    }
