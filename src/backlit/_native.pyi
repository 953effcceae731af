"""The native core, as ``native/bindings.cpp`` shows it. Arrays must be C-contiguous and of the class's dtype."""

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

class Model32:
    def __init__(self, sizes: list[int], activations: list[int]) -> None: ...
    @property
    def isa(self) -> str: ...
    def predict(self, theta: F32, X: F32, a: F32, z: F32 | None = None) -> None: ...
    def forward_pass(self, theta: F32, X: F32, z: list[F32], a: list[F32]) -> None: ...
    def backward_pass(
        self, theta: F32, X: F32, Y: F32, row_weights: F32, cost: int, fused: bool, penalty: float,
        z: list[F32], a: list[F32], delta: list[F32], gradient: F32, row_costs: F32,
    ) -> None: ...  # fmt: skip

class Model64:
    def __init__(self, sizes: list[int], activations: list[int]) -> None: ...
    @property
    def isa(self) -> str: ...
    def predict(self, theta: F64, X: F64, a: F64, z: F64 | None = None) -> None: ...
    def forward_pass(self, theta: F64, X: F64, z: list[F64], a: list[F64]) -> None: ...
    def backward_pass(
        self, theta: F64, X: F64, Y: F64, row_weights: F64, cost: int, fused: bool, penalty: float,
        z: list[F64], a: list[F64], delta: list[F64], gradient: F64, row_costs: F64,
    ) -> None: ...  # fmt: skip

class Session32:
    def __init__(
        self, sizes: list[int], activations: list[int], dropout: list[float], cost: int, fused: bool, penalty: float,
        X: F32, Y: F32, row_weights: F32, decision: int, rule: int, numbers: list[float], batch_size: int, seed: int,
        clip: float,
    ) -> None: ...  # fmt: skip
    @property
    def completed(self) -> int: ...
    def load(self, theta: F32, slots: list[F32]) -> None: ...
    def store(self, theta: F32, slots: list[F32]) -> None: ...
    def run(
        self, order: NDArray[np.int64] | None, place: int, step: int, learning_rates: F64,
        costs: F64, hits: F64, weights: F64, wanted: NDArray[np.uint8] | None = None, layers: F64 | None = None,
        row_costs: F32 | None = None, row_gradients: F32 | None = None,
    ) -> int: ...  # fmt: skip
    def run_recorded(
        self, order: NDArray[np.int64] | None, place: int, step: int, learning_rate: float,
        costs: F64, hits: F64, weights: F64, z: list[F32], sigma: list[F32], a: list[F32], masks: list[F32],
        delta: list[F32], x: F32, gradient: F32, row_costs: F32,
    ) -> float: ...  # fmt: skip

class Session64:
    def __init__(
        self, sizes: list[int], activations: list[int], dropout: list[float], cost: int, fused: bool, penalty: float,
        X: F64, Y: F64, row_weights: F64, decision: int, rule: int, numbers: list[float], batch_size: int, seed: int,
        clip: float,
    ) -> None: ...  # fmt: skip
    @property
    def completed(self) -> int: ...
    def load(self, theta: F64, slots: list[F64]) -> None: ...
    def store(self, theta: F64, slots: list[F64]) -> None: ...
    def run(
        self, order: NDArray[np.int64] | None, place: int, step: int, learning_rates: F64,
        costs: F64, hits: F64, weights: F64, wanted: NDArray[np.uint8] | None = None, layers: F64 | None = None,
        row_costs: F32 | None = None, row_gradients: F32 | None = None,
    ) -> int: ...  # fmt: skip
    def run_recorded(
        self, order: NDArray[np.int64] | None, place: int, step: int, learning_rate: float,
        costs: F64, hits: F64, weights: F64, z: list[F64], sigma: list[F64], a: list[F64], masks: list[F64],
        delta: list[F64], x: F64, gradient: F64, row_costs: F64,
    ) -> float: ...  # fmt: skip

class Measure32:
    def __init__(self, sizes: list[int], activations: list[int], rows: int) -> None: ...
    def over_rows(
        self, x: F32, z: list[F32], sigma: list[F32], a: list[F32], delta: list[F32], sums: F64,
        row_gradients: F32,
    ) -> None: ...  # fmt: skip

def measure_update32(before: list[F32], after: list[F32], gradients: list[F32], sums: F64) -> None: ...

class Measure64:
    def __init__(self, sizes: list[int], activations: list[int], rows: int) -> None: ...
    def over_rows(
        self, x: F64, z: list[F64], sigma: list[F64], a: list[F64], delta: list[F64], sums: F64,
        row_gradients: F64,
    ) -> None: ...  # fmt: skip

def measure_update64(before: list[F64], after: list[F64], gradients: list[F64], sums: F64) -> None: ...
def function32(which: int, x: F32, out: F32) -> None: ...
def function64(which: int, x: F64, out: F64) -> None: ...
def isa() -> str: ...
def available_isas() -> list[str]: ...
def set_isa(isa: str) -> None: ...
def allowed_threads() -> int: ...
def force_threads(threads: int) -> None: ...
def peak_flops(threads: int = 1, single: bool = True, seconds: float = 0.2) -> float: ...
