"""What there is nothing to judge by is said, rule by rule, with the reason; what cannot be is one line."""

import numpy as np
import pytest

import backlit as bl


def classes(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    return X, np.argmax(X[:, :3] + 0.2 * rng.normal(size=(rows, 3)), axis=1)


def trained(sizes=(4, 12, 3), X=None, y=None, output="softmax", activation="relu", **options):
    given = classes() if X is None else (X, y)
    net = bl.Network(list(sizes), output=output, activation=activation)
    run = bl.train(net, *given, callbacks=[bl.Lens()], progress=False, **{"epochs": 15, **options})
    return bl.diagnose(net, *given, run=run)


def reasons(diagnosis):
    return {one.rule: one.reason for one in diagnosis.not_judged}


def test_without_validation_data_overfitting_is_not_judged_and_the_rest_is():
    found = reasons(trained())
    assert (
        "there is no validation data: give validation_data=(X, y), or train with validation=0.2" == found["overfitting"]
    )
    with_it = reasons(trained(validation=0.3))
    assert "overfitting" not in with_it
    assert with_it.keys() < found.keys()


@pytest.mark.parametrize("options", [{"epochs": 1}, {"epochs": 3, "batch_size": "all"}])
def test_too_few_steps_are_said_not_guessed(options):
    diagnosis = trained(**options)
    assert diagnosis.findings == ()
    found = reasons(diagnosis)
    of_the_course = {"learning-rate-too-high", "learning-rate-too-low", "too-few-epochs", "plateau", "underfitting"}
    assert of_the_course <= found.keys()
    assert all("too few steps: " in found[rule] for rule in of_the_course)
    assert "too few steps" not in " ".join(reasons(trained()).values())


def test_a_network_without_hidden_layers_has_none_to_judge():
    diagnosis = trained((4, 3), validation=0.3)
    found = reasons(diagnosis)
    for rule in ("saturated-units", "dead-units", "vanishing-errors", "exploding-errors", "symmetric-units"):
        assert found[rule] == "the network has no hidden layer"
    assert {"label-noise", "overfitting", "learning-rate-too-high"} <= diagnosis.statistics.keys()


def test_numbers_have_no_classes():
    X, _ = classes()
    y = X[:, :1] - X[:, 1:2]
    diagnosis = trained((4, 12, 1), X, y, output="identity", validation=0.3)
    found = reasons(diagnosis)
    for rule in ("label-noise", "class-imbalance", "output-never-predicted", "cost-does-not-fit"):
        assert "the targets are numbers, and this is about classes" in found[rule]
    assert {"unscaled-targets", "overfitting", "underfitting"} <= diagnosis.statistics.keys()
    assert "targets are classes" in reasons(trained())["unscaled-targets"]


def test_a_record_alone_and_a_network_alone():
    X, y = classes()
    net, lens = bl.Network([4, 12, 3], output="softmax"), bl.Lens()
    bl.train(net, X, y, epochs=15, callbacks=[lens], progress=False)
    alone = reasons(bl.diagnose(lens=lens))
    assert "there are no rows: give X and y" in alone.values()
    assert "there is no network: give the one that was trained" in alone.values()
    unwatched = reasons(bl.diagnose(net, X, y))
    assert "no lens watched the training: train with callbacks=[bl.Lens()]" in unwatched.values()


def test_every_rule_either_measured_or_said_why_not():
    from backlit.diagnose.findings.rules import RULES

    for diagnosis in (trained(), trained((4, 3)), trained(epochs=1), trained(epochs=1, batch_size="all")):
        names = {rule.name for rule in RULES}
        assert diagnosis.statistics.keys() | reasons(diagnosis).keys() == names
        assert not diagnosis.statistics.keys() & reasons(diagnosis).keys()
        assert all(one.reason and "\n" not in one.reason for one in diagnosis.not_judged)


def test_what_cannot_be_diagnosed_is_one_line():
    X, y = classes()
    net = bl.Network([4, 12, 3], output="softmax")
    cases = [
        ((), {}, "there is nothing to diagnose: give a network with X and y, a run, or a lens"),
        ((), {"lens": bl.Lens()}, "this lens has seen no training"),
        ((net,), {"X": X}, "y is missing"),
        ((net, X[:, :3], y), {}, "X has 3 columns; the network's input layer takes 4"),
        ((net, X, y), {"lens": 5}, "lens must be a bl.Lens, a record of one or its folder, not int"),
        ((net, X, y), {"lens": "nowhere.lens"}, "nowhere.lens is no record of a lens"),
        ((net, X, y), {"names": ["a"]}, "there are 1 names for 4 columns"),
        ((net, X, y), {"validation_data": X}, "validation_data must be a pair"),
        ((net, X, y), {"thresholds": {"dead-unit.share": 1.0}}, "did you mean 'dead-units.share'"),
    ]
    for given, options, words in cases:
        with pytest.raises(bl.BacklitError, match=words.replace("(", r"\(")) as caught:
            bl.diagnose(*given, **options)
        assert "\n" not in str(caught.value)


def test_a_lens_of_another_network():
    X, y = classes()
    net, other, lens = bl.Network([4, 12, 3]), bl.Network([4, 9, 3], output="softmax"), bl.Lens()
    bl.train(other, X, y, epochs=2, callbacks=[lens], progress=False)
    with pytest.raises(bl.DataError, match="the lens watched layers of 4-9-3 neurons, and the network has 4-12-3"):
        bl.diagnose(net, X, y, lens=lens)


def test_a_torch_model_without_linear_layers_and_one_that_made_no_step():
    torch = pytest.importorskip("torch")
    with pytest.raises(bl.OptionError, match=r"Conv2d has no nn.Linear to watch: the lens reads fully connected"):
        bl.lens_torch(torch.nn.Conv2d(1, 2, 3))
    with bl.lens_torch(torch.nn.Linear(4, 3)) as lens:
        pass
    with pytest.raises(bl.OptionError, match="this lens has seen no step"):
        bl.diagnose(lens=lens)


def test_a_torch_model_is_judged_by_its_record():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with bl.lens_torch(model, criterion=criterion) as lens:
        for _ in range(40):
            optimizer.zero_grad()
            criterion(model(torch.randn(16, 4)), torch.randint(0, 3, (16,))).backward()
            optimizer.step()
    diagnosis = bl.diagnose(lens=lens)
    assert "dead-units" in diagnosis.statistics
    assert "there are no rows: give X and y" in reasons(diagnosis).values()
