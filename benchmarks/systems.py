"""The systems the speed benchmarks compare, one function each: it makes an ``epoch()`` that trains one epoch.

Each shuffles the rows anew and gathers its batches, in float32, with the same objective and the same optimizer.
Each is run in a process of its own, with the number of threads set in the environment before anything is loaded.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from workloads import Workload

Epoch = Callable[[], None]


def _backlit(work: Workload, engine_name: str) -> Epoch:
    from backlit import objective
    from backlit.engines import ENGINES, StepPlan, TrainingData
    from backlit.network import Network
    from backlit.optimizers import SGD, Adam

    X, Y, classes = work.data()
    network = Network(work.sizes, activation=work.hidden, output=work.output)
    data = TrainingData(X, Y, np.ones(len(X), np.float32), None if classes is None else "argmax")
    optimizer = SGD() if work.optimizer == "sgd" else Adam()
    session = ENGINES[engine_name].session(
        network, objective.choose(work.output, work.cost), data, StepPlan(optimizer, work.batch, seed=0)
    )
    rates = np.full(work.steps_an_epoch, work.learning_rate)

    def epoch() -> None:
        session.run(session.step + work.steps_an_epoch, rates)

    return epoch


def backlit_native(work: Workload) -> Epoch:
    """The native engine."""
    return _backlit(work, "native")


def backlit_reference(work: Workload) -> Epoch:
    """The NumPy engine."""
    return _backlit(work, "reference")


def jax(work: Workload) -> Epoch:
    """One jitted ``lax.scan`` over the epoch, parameters and state donated: the strongest form."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    from jax import lax

    X, Y, _ = work.data()
    X, Y = jnp.asarray(X), jnp.asarray(Y)
    hidden = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[work.hidden]
    rng = np.random.default_rng(1)
    theta = [
        (jnp.asarray(rng.standard_normal((n, k)) / np.sqrt(n), jnp.float32), jnp.zeros(k, jnp.float32))
        for n, k in pairwise(work.sizes)
    ]

    def cost(theta: Any, x: Any, y: Any) -> Any:
        a = x
        for W, b in theta[:-1]:
            a = hidden(a @ W + b)
        z = a @ theta[-1][0] + theta[-1][1]
        if work.output == "softmax":
            return -(y * jax.nn.log_softmax(z)).sum(1).mean()
        a = jax.nn.sigmoid(z) if work.output == "sigmoid" else z
        return 0.5 * ((a - y) ** 2).sum(1).mean()

    def sgd(theta: Any, g: Any, state: Any) -> Any:
        return jax.tree.map(lambda p, d: p - work.learning_rate * d, theta, g), state

    def adam(theta: Any, g: Any, state: Any) -> Any:
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, m, g)
        v = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, v, g)
        rate, root = work.learning_rate / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8), theta, m, v), (m, v, t)

    update = sgd if work.optimizer == "sgd" else adam

    @partial(jax.jit, donate_argnums=(0, 1))
    def run(theta: Any, state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(X)).reshape(-1, work.batch)

        def step(carry: Any, rows: Any) -> Any:
            theta, state = carry
            c, g = jax.value_and_grad(cost)(theta, X[rows], Y[rows])
            return update(theta, g, state), c

        return lax.scan(step, (theta, state), order)

    zeros = lambda: jax.tree.map(jnp.zeros_like, theta)  # noqa: E731
    state: Any = (zeros(), zeros(), jnp.float32(0))
    key = jax.random.key(0)
    carry = (theta, state)

    def epoch() -> None:
        nonlocal carry, key
        key, part = jax.random.split(key)
        carry, costs = run(*carry, part)
        costs.block_until_ready()

    return epoch


def _torch(work: Workload, compiled: bool) -> Epoch:
    import torch

    X, Y, classes = work.data()
    tX, tY = torch.from_numpy(X), torch.from_numpy(Y)
    labels = None if classes is None else torch.from_numpy(classes)
    act = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[work.hidden]
    layers: list[Any] = []
    for n, k in pairwise(work.sizes):
        layers += [torch.nn.Linear(n, k), act()]
    layers = layers[:-1] + ([torch.nn.Sigmoid()] if work.output == "sigmoid" else [])
    model = torch.nn.Sequential(*layers)
    kind = torch.optim.SGD if work.optimizer == "sgd" else torch.optim.Adam
    optimizer = kind(model.parameters(), lr=work.learning_rate, fused=True)

    def cost(x: Any, y: Any, c: Any) -> Any:
        a = model(x)
        if work.output == "softmax":
            return torch.nn.functional.cross_entropy(a, c)
        return 0.5 * ((a - y) ** 2).sum(1).mean()

    if compiled:
        cost = torch.compile(cost)

    def epoch() -> None:
        order = torch.randperm(len(tX))
        for i in range(0, len(tX), work.batch):
            rows = order[i : i + work.batch]
            optimizer.zero_grad(set_to_none=True)
            cost(tX[rows], tY[rows], None if labels is None else labels[rows]).backward()
            optimizer.step()

    return epoch


def torch_eager(work: Workload) -> Epoch:
    """PyTorch as most write it, with its fused optimizer."""
    return _torch(work, compiled=False)


def torch_compile(work: Workload) -> Epoch:
    """The same with the forward pass and the cost compiled."""
    return _torch(work, compiled=True)


def keras_jax(work: Workload) -> Epoch:
    """Keras 3 on its JAX back end, ``fit`` for one epoch."""
    import keras

    X, Y, _ = work.data()
    model = keras.Sequential([keras.Input((work.sizes[0],))])
    for n in work.sizes[1:-1]:
        model.add(keras.layers.Dense(n, activation=work.hidden))
    model.add(keras.layers.Dense(work.sizes[-1], activation={"identity": None}.get(work.output, work.output)))
    kind = keras.optimizers.SGD if work.optimizer == "sgd" else keras.optimizers.Adam
    loss = "categorical_crossentropy" if work.output == "softmax" else "mean_squared_error"
    model.compile(optimizer=kind(work.learning_rate), loss=loss)

    def epoch() -> None:
        model.fit(X, Y, batch_size=work.batch, epochs=1, shuffle=True, verbose=0)

    return epoch


def scikit_learn(work: Workload) -> Epoch:
    """``MLPClassifier`` or ``MLPRegressor``, one epoch by ``partial_fit``; its output and cost are its own."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, Y, classes = work.data()
    kind = MLPRegressor if classes is None else MLPClassifier
    model = kind(
        hidden_layer_sizes=work.sizes[1:-1],
        activation={"sigmoid": "logistic"}.get(work.hidden, work.hidden),
        solver=work.optimizer,
        batch_size=work.batch,
        learning_rate_init=work.learning_rate,
        alpha=0,
        momentum=0,
    )
    target = Y[:, 0] if classes is None else classes
    first = {} if classes is None else {"classes": np.arange(work.sizes[-1])}

    def epoch() -> None:
        model.partial_fit(X, target, **first)

    return epoch


def tinygrad(work: Workload) -> Epoch:
    """tinygrad with one jitted training step."""
    from tinygrad import Tensor, TinyJit, nn

    X, Y, classes = work.data()
    tX, tY = Tensor(X), Tensor(Y)
    labels = None if classes is None else Tensor(classes.astype(np.int32))
    layers = [nn.Linear(n, k) for n, k in pairwise(work.sizes)]
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    optimizer = (nn.optim.SGD if work.optimizer == "sgd" else nn.optim.Adam)(parameters, lr=work.learning_rate)

    @TinyJit
    @Tensor.train()
    def step(rows: Any) -> Any:
        optimizer.zero_grad()
        a = tX[rows]
        for layer in layers[:-1]:
            a = getattr(layer(a), work.hidden)()
        a = layers[-1](a)
        if work.output == "softmax":
            c = a.sparse_categorical_crossentropy(labels[rows])
        else:
            a = a.sigmoid() if work.output == "sigmoid" else a
            c = ((a - tY[rows]) ** 2).sum(1).mean() * 0.5
        c.backward()
        return c.realize(*optimizer.schedule_step())

    rng = np.random.default_rng(1)

    def epoch() -> None:
        order = rng.permutation(len(X)).astype(np.int32).reshape(-1, work.batch)
        for rows in order:
            step(Tensor(rows)).item()

    return epoch


SYSTEMS: dict[str, Callable[[Workload], Epoch]] = {
    "backlit": backlit_native,
    "JAX": jax,
    "PyTorch": torch_eager,
    "torch.compile": torch_compile,
    "Keras (JAX)": keras_jax,
    "scikit-learn": scikit_learn,
    "tinygrad": tinygrad,
    "backlit reference": backlit_reference,
}
