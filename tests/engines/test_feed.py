"""Whatever the rows lie in, an engine gets the same ones at the same step: buffers filled window by window, or all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.data.lazy import SelectedRows
from backlit.data.streaming import StreamedRows, stream
from backlit.engines import ENGINES, StepPlan, TrainingData, Windows, feed
from backlit.engines.order import batch_rows
from backlit.objective import choose
from backlit.optimizers import Adam


def data_of(rows: int, seed: int = 0) -> TrainingData:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2))
    return TrainingData(X, Y, rng.uniform(0.5, 1.5, rows), None)


def evenly(rows: int, block: int) -> np.ndarray:
    return np.array([*range(0, rows, block), rows])


def streamed(data: TrainingData, block: int) -> TrainingData:
    source = replace(stream(np.asarray(data.X)), edges=evenly(data.rows, block))
    return TrainingData(StreamedRows(source, np.dtype("f8")), data.Y, data.row_weights, None)


@settings(deadline=None)
@given(
    st.integers(1, 90), st.integers(1, 12), st.integers(1, 20), st.integers(1, 6),
    st.lists(st.integers(0, 200), min_size=1, max_size=12),
)  # fmt: skip
def test_any_step_in_any_order_has_its_own_rows(
    rows: int, batch: int, block: int, blocks: int, steps: list[int]
) -> None:
    """Forwards, as a training asks; and anywhere, as after a restored step."""
    batch = min(batch, max(rows - 1, 1))
    data, plan = data_of(rows), StepPlan(Adam(), batch, 5, windows=Windows(evenly(rows, block), blocks))
    found = feed.feed(streamed(data, block), plan)
    for step in [*range(-(-rows // batch) * 2), *steps]:
        taken = batch_rows(plan, rows, step)
        X, Y, row_weights = found.batch(step)
        np.testing.assert_array_equal(X, np.asarray(data.X)[taken])
        np.testing.assert_array_equal(Y, data.Y[taken])
        np.testing.assert_array_equal(row_weights, data.row_weights[taken])


@pytest.mark.parametrize("bytes_", [1, 24 * 10, 1 << 24])
@pytest.mark.parametrize("batch", [1, 4, 7, 30])
def test_selected_rows_are_those_of_a_copy(batch: int, bytes_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BUFFER_BYTES", bytes_)
    data, numbers = data_of(60), np.flatnonzero(np.arange(60) % 4)
    plan = StepPlan(Adam(), batch, 2)
    Y, row_weights = data.Y[numbers], data.row_weights[numbers]
    copied = feed.feed(TrainingData(np.asarray(data.X)[numbers], Y, row_weights, None), plan)
    selected = feed.feed(TrainingData(SelectedRows(np.asarray(data.X), numbers), Y, row_weights, None), plan)
    for step in range(3 * 45):
        for one, other in zip(copied.batch(step), selected.batch(step), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("batch", [1, 7, 16])
def test_going_forwards_each_row_is_fetched_once_an_epoch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a batch that begins in one window and ends in the next: they are taken along."""
    fetched: list[int] = []
    gather = StreamedRows.gather

    def counted(self: StreamedRows, rows: Any, out: Any) -> None:
        fetched.extend(rows)
        gather(self, rows, out)

    monkeypatch.setattr(StreamedRows, "gather", counted)
    data = data_of(100)
    found = feed.feed(streamed(data, 9), StepPlan(Adam(), batch, 5, windows=Windows(evenly(100, 9), 3)))
    for epoch in range(3):
        fetched.clear()
        for step in range(-(-100 // batch)):
            found.at(epoch * -(-100 // batch) + step)
        assert sorted(fetched) == list(range(100))


def test_arrays_are_not_copied() -> None:
    data = data_of(50)
    found = feed.feed(data, StepPlan(Adam(), 5, 0))
    assert found.X is data.X
    assert found.Y is data.Y
    assert found.row_weights is data.row_weights


def engines() -> Iterator[Any]:
    for engine in ENGINES.values():
        missing = engine.unsupported(bl.Network([3, 2]))
        yield pytest.param(engine, id=engine.name, marks=pytest.mark.skipif(bool(missing), reason=str(missing)))


@pytest.mark.parametrize("engine", list(engines()))
@pytest.mark.parametrize(("rows", "batch", "block", "blocks"), [(100, 8, 7, 3), (96, 8, 16, 2), (41, 40, 5, 2)])
def test_a_session_over_a_buffer_makes_the_bits_of_one_over_the_whole(
    engine: Any, rows: int, batch: int, block: int, blocks: int
) -> None:
    """In the same order, cut into other runs of steps, with records and measures, and taken back to a step before."""
    data, plan = data_of(rows), StepPlan(Adam(0.01), batch, 3, windows=Windows(evenly(rows, block), blocks))
    ends = []
    for source in (data, streamed(data, block)):
        network = bl.Network([3, 5, 2], activation="tanh", dropout=0.2, seed=0, dtype="float64")
        objective = choose(network.activations[-1], None, l2=0.1, n=rows)
        session = engine.session(network, objective, source, plan)
        per_epoch = -(-rows // batch)
        cuts = [1, per_epoch, 2 * per_epoch] if source is data else [*range(2, 2 * per_epoch, 2), 2 * per_epoch]
        reports, at_one = [], None
        for until in cuts:
            count = until - session.step
            reports.append(session.run(until, np.full(count, 0.01), record_steps=[session.step]))
            at_one = at_one or (network.parameters.copy(), {k: v.copy() for k, v in session.state.items()}, until)
        end = network.parameters.copy()
        for report in reports:
            for record in report.records:
                np.testing.assert_array_equal(record.backward.forward.a[1], np.asarray(data.X)[record.rows])
        costs = np.concatenate([report.costs for report in reports])
        session.restore(*at_one)
        session.run(2 * per_epoch, np.full(2 * per_epoch - session.step, 0.01), measure_steps=range(2 * per_epoch))
        np.testing.assert_array_equal(network.parameters, end)
        ends.append((end, costs))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])
