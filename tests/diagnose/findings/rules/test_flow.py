"""Errors that fade or grow on their way back, held against PyTorch's."""

import numpy as np
import pytest

import backlit as bl

DEEP = {"hidden": (12,) * 5, "network": {"activation": "sigmoid"}, "optimizer": "sgd", "learning_rate": 0.1}


def errors_by_torch(case):
    """RMS of δ by layer, of each row's own cost, over the training rows; and what W makes of δ of the layer above."""
    torch = pytest.importorskip("torch")
    rows = case.run.train_rows
    a = torch.tensor(case.X[rows])
    zs = []
    for layer in case.net.layers:
        z = a @ torch.tensor(layer.W).T + torch.tensor(layer.b)
        z.retain_grad() if z.requires_grad else z.requires_grad_()
        zs.append(z)
        a = torch.sigmoid(z) if layer.number < case.net.L else z
    torch.nn.functional.cross_entropy(a, torch.tensor(case.y[rows]), reduction="sum").backward()
    return {l: z.grad.numpy() for l, z in enumerate(zs, start=2)}


def rms(values):
    return float(np.sqrt((values**2).mean()))


def test_vanishing_errors_as_pytorch_has_them(diagnosed):
    case = diagnosed(lens=False, epochs=8, **DEEP)
    finding = case.finding("vanishing-errors")
    assert case.diagnosis.first is finding
    delta, L = errors_by_torch(case), case.net.L
    slower = rms(delta[L]) / rms(delta[2])
    assert slower > 500
    assert finding.statistics["slower"] == pytest.approx(slower, rel=1e-6)
    assert f"{float(f'{slower:.3g}'):,.0f}×" in finding.what
    slope = 1.0
    for l in range(2, L):
        slope *= rms(delta[l]) / rms(delta[l + 1] @ case.net.layer(l + 1).W)
    assert f"the factor σ' leaves {slope:.3g} of an error from layer {L} down to layer 2" in finding.why
    a2 = 1 / (1 + np.exp(-(case.X[case.run.train_rows] @ case.net.layer(2).W.T + case.net.layer(2).b)))
    assert f"σ'(z²) averages {(a2 * (1 - a2)).mean():.3g}" in finding.why
    assert "in its usual range" in finding.why
    assert finding.remedy.network == {"activation": "relu"}
    assert finding.since is None


def test_since_when(diagnosed):
    finding = diagnosed(epochs=8, **DEEP).finding("vanishing-errors")
    assert finding.since == 0
    assert finding.statistics["from_start"] > 500


def test_vanishing_by_weights_is_attributed_to_them(diagnosed):
    def shrink(net):
        for layer in net.layers[1:]:
            layer.W[...] *= 0.02

    options = {"hidden": (12, 12, 12), "optimizer": "sgd", "network": {"activation": "tanh"}}
    case = diagnosed(change=shrink, **options)
    assert "the factor W leaves" in case.finding("vanishing-errors").why


def test_the_remedy_restores_it(diagnosed):
    options = DEEP | {"network": diagnosed(epochs=8, **DEEP).finding("vanishing-errors").remedy.network}
    assert diagnosed(epochs=30, **options).rules == []


def test_exploding_errors(diagnosed):
    def grow(net):
        for layer in net.layers:
            layer.W[...] *= 2.5

    options = {"hidden": (20,) * 8, "optimizer": "sgd", "learning_rate": 1e-7, "lens": False, "epochs": 6}
    case = diagnosed(change=grow, **options)
    finding = case.finding("exploding-errors")
    assert "the factor W makes" in finding.why
    assert finding.statistics["faster"] > 100
    assert "exploding-errors" not in diagnosed(**options).rules


def test_a_record_alone_says_the_same_order(diagnosed):
    case = diagnosed(epochs=8, **DEEP)
    whole, alone = case.finding("vanishing-errors"), bl.diagnose(lens=case.lens.record)
    found = {finding.rule: finding for finding in alone.findings}["vanishing-errors"]
    assert found.statistics["slower"] == pytest.approx(whole.statistics["slower"], rel=0.2)


def test_a_pytorch_model(data):
    torch = pytest.importorskip("torch")
    X, y = data
    torch.manual_seed(0)
    parts = [part for n in (6, 12, 12, 12, 12) for part in (torch.nn.Linear(n, 12), torch.nn.Sigmoid())]
    model = torch.nn.Sequential(*parts, torch.nn.Linear(12, 3))
    criterion, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, targets = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    with bl.lens_torch(model, criterion=criterion) as lens:
        for _ in range(40):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    found = bl.diagnose(lens=lens)
    assert found.first.rule == "vanishing-errors"
    assert {one.rule: one.reason for one in found.not_judged}["symmetric-units"].startswith("there is no network")
