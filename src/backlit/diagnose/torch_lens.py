"""A lens on a PyTorch model: hooks on every Linear, the same record as of a network of Backlit's own."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit import activations
from backlit.diagnose.lens import Schedule, check_schedule
from backlit.diagnose.record import About, LensRecord, arrays_of, joined
from backlit.diagnose.torch_sums import LayerPass, Sums, guess_activation, sums_of_updates
from backlit.engines import Statistics
from backlit.errors import OptionError, unknown_option

REDUCTIONS = ("mean", "sum")

OUTPUT_OF_CRITERION = {
    "CrossEntropyLoss": "softmax",
    "NLLLoss": "identity",
    "BCEWithLogitsLoss": "sigmoid",
    "BCELoss": "identity",
    "PoissonNLLLoss": "exponential",
}
"""A criterion that contains the output's activation → its name: the last Linear gives z, not a."""

MOST_PENDING = 256
"""Passes of one layer that are kept while no optimizer makes its step: a user may only ever want gradients."""


def lens_torch(
    model: Any,
    *,
    criterion: Any = None,
    reduction: str | None = None,
    output: str | None = None,
    every: Schedule = 1,
    steps_per_epoch: int = 100,
) -> "TorchLens":
    """Watches a PyTorch model in its own training loop: one line, and nothing in the loop changes.

    Hooks on every ``nn.Linear`` keep its input a, its output z and δ = ∂C/∂z while a pass is under way, and on every
    step of an optimizer they become a line of the same :class:`~backlit.LensRecord` as :class:`backlit.Lens` makes.
    No bit of the training changes, no graph is kept alive, and ``remove()`` (or the end of a ``with``) takes every
    hook away. Activations may work in place; autocast may be on.

    The layers are the Linears in the order in which they first run; what stands between two of them (an activation, in
    a module or as a function, dropout) is found from the numbers. A loss is usually the mean over the batch, so that δ
    of a row's own cost is m · ∂C/∂z.

    Args:
        model: an ``nn.Module`` with a Linear somewhere in it.
        criterion: the loss, as a module: its values are the record's costs (else NaN), its ``reduction`` and the
            activation that it contains (softmax in ``CrossEntropyLoss``) are known from it.
        reduction: ``mean`` or ``sum`` of the rows' losses; default the criterion's, else mean.
        output: activation of the output layer; default the criterion's, else identity.
        every: each so many steps are recorded, or a schedule, step → bool. A step is one ``optimizer.step()``.
        steps_per_epoch: by which steps become epochs, and over which the noise scale is averaged.

    Raises:
        OptionError: no ``nn.Module``, none with a Linear, an unknown reduction or activation.

    Rows are numbered within their batch; the cost of a row is not known (NaN). Of inputs with more than two dimensions
    (m, …, features) a row is everything that belongs to one of the m.

    >>> import torch  # doctest: +SKIP
    >>> with bl.lens_torch(model, criterion=criterion) as lens:  # doctest: +SKIP
    ...     train(model)
    >>> lens.record.delta_rms  # doctest: +SKIP
    """
    torch = sys.modules.get("torch")  # whoever brings a model has imported it
    if torch is None or not isinstance(model, torch.nn.Module):
        raise OptionError(f"lens_torch watches a torch.nn.Module, not {type(model).__name__}; of a Network use bl.Lens")
    linears = {name: part for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    if not linears:
        raise OptionError(f"{type(model).__name__} has no nn.Linear to watch: the lens reads fully connected layers")
    chosen = reduction if reduction is not None else getattr(criterion, "reduction", "mean")
    if chosen not in REDUCTIONS:
        raise unknown_option("reduction", chosen, REDUCTIONS)
    if criterion is not None and not isinstance(criterion, torch.nn.Module):
        raise OptionError(f"criterion must be a loss module, as torch.nn.CrossEntropyLoss(), not {criterion!r}")
    of_output = output if output is not None else OUTPUT_OF_CRITERION.get(type(criterion).__name__, "identity")
    activations.get(of_output, option="output")
    per_epoch = check_schedule("steps_per_epoch", steps_per_epoch)
    return TorchLens(model, linears, criterion, chosen, of_output, check_schedule("every", every), per_epoch)


class TorchLens:
    """What :func:`lens_torch` returns: the record so far, and the way to take the hooks away."""

    def __init__(
        self,
        model: Any,
        linears: dict[str, Any],
        criterion: Any,
        reduction: str,
        output: str,
        every: Schedule,
        steps_per_epoch: Any,
    ) -> None:
        self._linears = linears
        self._number = {id(linear): number for number, linear in enumerate(linears.values())}
        self._reduction, self._output, self._every = reduction, output, every
        self._of_output = activations.get(output, option="output")
        self._steps_per_epoch = int(steps_per_epoch)
        self._name, self._criterion = type(model).__name__, criterion
        self._order: list[int] = []  # the Linears in the order in which they first ran
        self._pending: dict[int, list[LayerPass]] = {}
        self._in_place: set[int] = set()
        self._activations: dict[int, str | None] = {}
        self._before: dict[int, list[Any]] = {}
        self._versions: dict[int, list[int]] = {}  # of the parameters, when ``_before`` was what they are
        self._sums = Sums()
        self._theta = {number: list(linear.parameters()) for number, linear in enumerate(linears.values())}
        self._parameters = {id(p) for linear in linears.values() for p in linear.parameters()}
        self._parts: list[tuple[int, int, float, float, Any, Any]] = []  # step, m, cost, η, sums, ‖∇C_x‖
        self._about: About | None = None
        self._step, self._rate = 0, float("nan")
        self._cost = float("nan")
        self._recording = self._wanted(0)
        self._handles = self._hooks()

    def __enter__(self) -> "TorchLens":
        """The lens itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Takes the hooks away."""
        self.remove()

    def remove(self) -> None:
        """Takes every hook away; the record stays."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._pending.clear()
        self._before.clear()
        self._versions.clear()

    @property
    def record(self) -> LensRecord:
        """Everything recorded so far.

        Raises:
            OptionError: no step was recorded yet.
        """
        if self._about is None:
            raise OptionError("this lens has seen no step: it records at optimizer.step(), after a backward pass")
        steps, ms, costs, rates, layers, of_rows = zip(*self._parts, strict=True)
        m = np.array(ms)
        statistics = Statistics(
            steps=np.array(steps),
            m=m,
            cost=np.array(costs),
            hits=np.full(len(m), np.nan),
            weight=m.astype(np.float64),
            learning_rate=np.array(rates),
            layers=np.stack(layers),
            rows=np.concatenate([np.arange(rows, dtype=np.int32) for rows in ms]),
            row_costs=np.full(m.sum(), np.nan, dtype=np.float32),
            row_gradients=np.concatenate(of_rows),
        )
        return joined(self._about, [arrays_of(self._about, statistics)])

    def plot(self, path: Any = None, *, force: bool = False) -> Any:
        """The record as curves by matplotlib; see :func:`backlit.diagnose.pictures.draw_figure`."""
        from backlit.diagnose.pictures import draw_figure

        return draw_figure(self.record, path, force=force)

    def text(self, width: int = 100) -> str:
        """The record as a table for a terminal; see :func:`backlit.diagnose.pictures.draw_text`."""
        from backlit.diagnose.pictures import draw_text

        return draw_text(self.record, width)

    def __repr__(self) -> str:
        return f"TorchLens({self._name}, {len(self._linears)} Linear layers, {len(self._parts)} steps)"

    # --- hooks

    def _hooks(self) -> list[Any]:
        optim: Any = sys.modules["torch.optim.optimizer"]
        handles = [linear.register_forward_hook(self._forward) for linear in self._linears.values()]
        if self._criterion is not None:
            handles.append(self._criterion.register_forward_hook(self._costs))
        handles.append(optim.register_optimizer_step_pre_hook(self._before_update))
        handles.append(optim.register_optimizer_step_post_hook(self._after_update))
        return handles

    def _forward(self, linear: Any, inputs: tuple[Any, ...], z: Any) -> None:
        """Leaves with the graph what its backward pass will need: if the graph goes, this goes with it."""
        if not self._recording or not z.requires_grad:
            return
        number = self._number[id(linear)]
        if number not in self._activations:
            self._activations[number] = None
            self._order.append(number)
        kept = z.detach().clone() if number in self._in_place else z.detach()
        own = LayerPass(inputs[0].detach(), kept, kept._version)
        z.register_hook(lambda delta: self._backward(number, own, delta))

    def _backward(self, number: int, own: LayerPass, delta: Any) -> None:
        pending = self._pending.setdefault(number, [])
        own.delta = delta.detach()
        if len(pending) < MOST_PENDING:
            pending.append(own)

    def _costs(self, criterion: Any, inputs: tuple[Any, ...], cost: Any) -> None:
        if self._recording and cost.requires_grad and cost.numel() == 1:
            self._cost = cost.detach()

    def _ours(self, optimizer: Any) -> bool:
        return any(id(p) in self._parameters for group in optimizer.param_groups for p in group["params"])

    def _before_update(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """θ before the update: copied, unless the last step was recorded too and left it as it is."""
        if not self._recording or not self._pending or not self._ours(optimizer):
            return
        self._rate = float(optimizer.param_groups[0]["lr"])
        for number in self._pending:
            if self._versions.get(number) != [p._version for p in self._theta[number]]:
                self._before[number] = [_vector(p).copy() for p in self._theta[number]]

    def _after_update(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if not self._ours(optimizer):
            return
        if self._recording and self._pending:
            self._take_in()
        self._step += 1
        self._recording = self._wanted(self._step)

    def _wanted(self, step: int) -> bool:
        every: int | Callable[[int], bool] = self._every
        return bool(every(step)) if callable(every) else step % every == 0

    # --- the step

    def _take_in(self) -> None:
        linears = list(self._linears.values())
        present = [number for number in self._order if number in self._pending]
        passes, before = [self._merged(number) for number in present], [self._before[number] for number in present]
        m = len(passes[0].a_before)
        for here, number, after in zip(passes, present, [*passes[1:], None], strict=True):
            if number in self._in_place and here.z is None:
                W, *b = self._before[number]
                linear = linears[number]
                here.z = here.a_before @ W.reshape(linear.out_features, -1).T + (b[0] if b else 0)
            self._find_activation(here, number, after)
        sums, of_rows = self._sums.of_pass(passes, before, float(m) if self._reduction == "mean" else 1.0)
        parameters = [self._theta[number] for number in present]
        now = [[_vector(p) for p in own] for own in parameters]
        sums_of_updates(sums, before, now, [[_gradient(p) for p in own] for own in parameters])
        for number, own in zip(present, parameters, strict=True):
            self._versions[number] = [p._version for p in own]
        self._keep(sums, of_rows, m)
        self._pending.clear()

    def _merged(self, number: int) -> LayerPass:
        """The passes of this layer since the last step, of NumPy arrays (m, tokens, n); several are rows one by one."""
        parts = self._pending[number]
        if any(part.overwritten for part in parts):
            self._in_place.add(number)
        arrays = [
            (_array(part.a_before), None if part.overwritten else _array(part.z), _array(part.delta)) for part in parts
        ]
        a, z, delta = arrays[0] if len(parts) == 1 else map(_rows, zip(*arrays, strict=True))
        merged = LayerPass(a, z, 0)
        merged.exact = parts[0].z.element_size() > 2
        merged.delta = delta
        return merged

    def _find_activation(self, here: LayerPass, number: int, after: LayerPass | None) -> None:
        """What the next layer received, and by which activation: looked for once, at the first step recorded."""
        if after is None:
            here.activation = self._of_output
            here.a = here.sigma = here.activation.value(here.z)
            self._activations[number] = self._output
            return
        here.a = after.a_before if after.a_before.shape == here.z.shape else None
        if self._activations[number] is None:
            self._activations[number] = guess_activation(here.z, here.a, exact=here.exact) or "unknown"
        name, _, dropped = str(self._activations[number]).partition(" ")
        here.activation = activations.ACTIVATIONS.get(name)
        here.sigma = here.a
        if here.activation is not None and (dropped or here.a is None):
            here.sigma = here.activation.value(here.z)
        if here.a is None:
            here.a = here.sigma if here.sigma is not None else here.z

    def _keep(self, sums: Any, of_rows: Any, m: int) -> None:
        if self._about is None:
            self._about = self._of_which_training(sums, m)
        if len(sums) != self._about.L - 1:
            return  # a pass through other layers than the first step's is of another shape
        cost = float(self._cost) * (1 if self._reduction == "sum" else m)
        self._parts.append((self._step, m, cost, self._rate, sums, of_rows.astype(np.float32)))

    def _of_which_training(self, sums: Any, m: int) -> About:
        linears = list(self._linears.values())
        ran = [linears[number] for number in self._order if number in self._pending]
        names = [str(self._activations[number]).partition(" ")[0] for number in self._order if number in self._pending]
        return About(
            sizes=(ran[0].in_features, *(linear.out_features for linear in ran)),
            activations=tuple(names),
            dropout=(),
            dtype=str(ran[0].weight.dtype).removeprefix("torch."),
            rows=m,
            steps_per_epoch=self._steps_per_epoch,
            decision=None,
            objective=type(self._criterion).__name__ if self._criterion is not None else "unknown",
            l2=0.0,
            n=float(m),
            engine="torch",
        )


def _array(tensor: Any) -> Any:
    """A tensor's numbers: without a copy where they are float32 or float64 in the CPU's memory."""
    try:
        found = tensor.detach().numpy() if tensor.requires_grad else tensor.numpy()
    except TypeError:  # of another device, or of a type that NumPy has none for
        found = tensor.detach().float().cpu().numpy()
    return found if found.itemsize >= 4 else found.astype(np.float32)


def _vector(tensor: Any) -> Any:
    return _array(tensor).ravel()


def _gradient(parameter: Any) -> Any:
    return np.zeros(parameter.numel(), np.float32) if parameter.grad is None else _vector(parameter.grad)


def _rows(pieces: tuple[Any, ...]) -> Any:
    return None if any(piece is None for piece in pieces) else np.concatenate(pieces)
