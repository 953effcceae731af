"""How good answers are: scikit-learn's metrics of a model on rows with known answers, in the target's own units."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit.data.encoding import Encoding, Label
from backlit.model import Model
from backlit.notation import Array, Float64Array, IndexArray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Answers held against the truth.

    Args:
        task: classes, labels or numbers.
        target: its name.
        truth: (rows,) or (rows, outputs): labels, 0 and 1, or numbers, in the target's own terms.
        answers: likewise, what the model says.
        scores: name → value, higher or lower being better as the name has it.
        classes: of the task classes: the labels, in the order of the outputs.
        confusion: of the task classes, (K, K): how many rows of class i (row) got the answer j (column).
    """

    task: str
    target: str
    truth: NDArray[Any]
    answers: NDArray[Any]
    scores: dict[str, float]
    classes: tuple[Label, ...] = ()
    confusion: IndexArray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def by_class(self) -> list[dict[str, Any]]:
        """Precision, recall and f1 of each class, and how many rows are of it; 0 where there is nothing to divide by.

        Precision is the share that is right of the rows with this answer, recall the share that is right of the rows
        of this class, f1 their harmonic mean.
        """
        if self.task != "classes":
            return []
        from sklearn import metrics

        K = np.arange(len(self.classes))
        truth, answers = np.repeat(np.indices(self.confusion.shape).reshape(2, -1), self.confusion.ravel(), axis=1)
        values = metrics.precision_recall_fscore_support(truth, answers, labels=K, zero_division=0)
        return [
            {"class": label, "rows": int(n), "precision": float(p), "recall": float(r), "f1": float(f)}
            for label, p, r, f, n in zip(self.classes, *values, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The scores, and what there is by class: plain data for JSON."""
        plain: dict[str, Any] = {"scores": self.scores}
        if self.task == "classes":
            plain |= {"classes": list(self.classes), "confusion": self.confusion.tolist(), "by_class": self.by_class()}
        return plain


def evaluate(model: Model, X: Any, y: ArrayLike) -> Evaluation:
    """The model's answers to raw X, held against raw y.

    Classes: accuracy, balanced accuracy (the mean over the classes of the share of their rows that is right), log loss
    and AUC (the area under the ROC curve: of the second of two classes; of more, each against the rest, their mean
    over the classes that have rows); labels: the share of rows with every label right, and the share of labels that
    are right; numbers: R² (of two rows or more), root mean squared error and mean absolute error, their mean over
    several targets. The AUC of rows that are all of one class is left out.

    Raises:
        DataError: X or y is not what the model was trained for; an unknown class is named.

    >>> from backlit.data.encoding import Encoding
    >>> from backlit.network import Network
    >>> petals = Encoding(("length", "width"), np.zeros(2), np.ones(2), "classes", "iris", 2, ("setosa", "virginica"))
    >>> model = Model(Network([2, 2], output="softmax", seed=1), petals)
    >>> found = evaluate(model, [[1.0, 0.2], [5.0, 2.0]], ["setosa", "virginica"])
    >>> sorted(found.scores), found.confusion.sum()
    (['accuracy', 'auc', 'balanced_accuracy', 'log_loss'], np.int64(2))
    """
    return judge(model.encoding, model.outputs(X), y)


def judge(encoding: Encoding, a: Array, y: ArrayLike, numbers: IndexArray | None = None) -> Evaluation:
    """What a network's outputs a^L, (rows, n_L), say, held against raw y; see :func:`evaluate`.

    ``numbers``: of the rows in the user's data, for a message, where they are not these.

    Raises:
        DataError: y is not what the encoding was made for; an unknown class is named.
    """
    known = encoding.targets(y, np.float64, numbers)
    truth, answers = encoding.answers(known), encoding.answers(a)
    if encoding.task == "numbers":
        return Evaluation("numbers", encoding.target, truth, answers, _of_numbers(truth, answers))
    if encoding.task == "labels":
        return Evaluation("labels", encoding.target, truth, answers, _of_labels(truth, answers))
    shares = encoding.probabilities(a)
    assert shares is not None
    which = known[:, 0] >= 0.5 if known.shape[1] == 1 else known.argmax(axis=1)
    given = a[:, 0] >= 0.5 if a.shape[1] == 1 else a.argmax(axis=1)
    scores, confusion = _of_classes(which.astype(np.int64), given.astype(np.int64), shares)
    return Evaluation("classes", encoding.target, truth, answers, scores, encoding.classes, confusion)


def _of_numbers(truth: NDArray[Any], answers: NDArray[Any]) -> dict[str, float]:
    from sklearn import metrics

    scores = {
        "rmse": float(metrics.root_mean_squared_error(truth, answers)),
        "mae": float(metrics.mean_absolute_error(truth, answers)),
    }
    return {"r2": float(metrics.r2_score(truth, answers)), **scores} if len(truth) > 1 else scores


def _of_labels(truth: NDArray[Any], answers: NDArray[Any]) -> dict[str, float]:
    right = (truth == answers).reshape(len(truth), -1)
    return {"exact_match": float(right.all(axis=1).mean()), "label_accuracy": float(right.mean())}


def _of_classes(truth: IndexArray, answers: IndexArray, shares: Float64Array) -> tuple[dict[str, float], IndexArray]:
    """Of class numbers, and (rows, K) probabilities."""
    from sklearn import metrics

    K, present = np.arange(shares.shape[1]), np.unique(truth)
    scores = {
        "accuracy": float(metrics.accuracy_score(truth, answers)),
        # balanced_accuracy_score is this number, with a warning where an answer is of a class that no row has
        "balanced_accuracy": float(metrics.recall_score(truth, answers, labels=present, average="macro")),
        "log_loss": float(metrics.log_loss(truth, shares, labels=K)),
    }
    if len(present) > 1:
        told_apart = present if len(K) > 2 else K[1:]
        scores["auc"] = float(np.mean([metrics.roc_auc_score(truth == k, shares[:, k]) for k in told_apart]))
    return scores, metrics.confusion_matrix(truth, answers, labels=K).astype(np.int64)


def most_confused(confusion: NDArray[Any], at_most: int = 10) -> list[tuple[int, int, int]]:
    """(class, answer, rows) of the mistakes made most often, the most frequent first.

    >>> most_confused(np.array([[9, 1, 0], [0, 9, 4], [0, 0, 5]]))
    [(1, 2, 4), (0, 1, 1)]
    """
    wrong = np.array(confusion, dtype=np.int64)
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:at_most]
    found = ((int(i), int(j), int(wrong[i, j])) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True))
    return [each for each in found if each[2]]
