"""The scores of a model on rows it is given, by scikit-learn's metrics, in the target's own units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.model import Model


def of(model: Model, X: NDArray[Any], y: NDArray[Any]) -> dict[str, float]:
    """The scores of the answers to raw X against raw y.

    Classes: accuracy, balanced accuracy and log loss; labels: share of rows with every label right; numbers: R², root
    mean squared error and mean absolute error.

    Raises:
        DataError: X or y is not what the model was trained for; an unknown class is named.
    """
    from sklearn import metrics

    a = model.outputs(X)
    known = model.encoding.targets(y, np.float64)
    answers = model.encoding.answers(a)
    truth = model.encoding.answers(known)
    if model.encoding.task == "numbers":
        errors = (answers - truth).astype(np.float64)
        scores = {"rmse": float(np.sqrt((errors**2).mean())), "mae": float(np.abs(errors).mean())}
        if len(truth) > 1:
            scores = {"r2": float(metrics.r2_score(truth, answers)), **scores}
        return scores
    if model.encoding.task == "labels":
        return {"exact_match": float((answers.reshape(len(truth), -1) == truth.reshape(len(truth), -1)).all(1).mean())}
    right, true_class = answers == truth, _class_numbers(known)
    recall = [right[true_class == k].mean() for k in np.unique(true_class)]
    probabilities = model.encoding.probabilities(a)
    assert probabilities is not None
    labels = np.arange(probabilities.shape[1])
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(recall)),
        "log_loss": float(metrics.log_loss(true_class, probabilities, labels=labels)),
    }


def _class_numbers(known: NDArray[Any]) -> NDArray[np.int64]:
    return (known[:, 0] if known.shape[1] == 1 else known.argmax(axis=1)).astype(np.int64)
