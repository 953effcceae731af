"""Running an ONNX file's bytes: by ONNX Runtime where it is installed and can, else by ONNX's reference evaluator."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.formats.extras import need, version_of


@cache
def _erf() -> Any:
    """The operator Erf in the dtype of what it is given: the reference evaluator's own computes in float32."""
    from onnx.reference.op_run import OpRun
    from scipy.special import erf

    class Erf(OpRun):  # type: ignore[misc, unused-ignore]
        def _run(self, x: Any) -> Any:
            return (erf(x).astype(x.dtype),)

    return Erf


class Runner:
    """What runs a model; ``name`` says what that is, ``why_not`` why it is not ONNX Runtime."""

    def __init__(self, content: bytes) -> None:
        self.why_not: str | None = None
        self._session: Any = None
        if version_of("onnxruntime") is None:
            self.why_not = "ONNX Runtime is not installed"
        else:
            self._session = self._start(content)
        if self._session is None:
            from onnx.reference import ReferenceEvaluator

            built = need("onnx", "onnx", "ONNX").load_from_string(content)
            self._evaluator = ReferenceEvaluator(built, new_ops=[_erf()])
        runtime = f"ONNX Runtime {version_of('onnxruntime')}"
        self.name = runtime if self._session is not None else f"ONNX's reference evaluator {version_of('onnx')}"

    def __call__(self, X: NDArray[Any], name: str) -> list[NDArray[Any]]:
        """Every output, for the input of that name."""
        runs = self._session if self._session is not None else self._evaluator
        with np.errstate(all="ignore"):
            return [np.asarray(found) for found in runs.run(None, {name: X})]

    def _start(self, content: bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as failure:  # whatever it has no implementation of
            self.why_not = f"ONNX Runtime cannot run it ({str(failure).strip().splitlines()[0][:160]})"
            return None
