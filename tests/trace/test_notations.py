"""Four notations of one record: every formula, read as it is written, gives the number printed beside it.

The reader here knows nothing of how formulas are made: it knows how each textbook writes a sign (:func:`signs`), how to
expand Σ, and arithmetic.
"""

import math
import re

import numpy as np
import pytest

import backlit as bl
from backlit.trace import Address, notations
from backlit.trace.examples import example

UP = dict(zip("0123456789+-()lLxi,", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸˣⁱ˒", strict=True))
DOWN = dict(zip("0123456789ijkmpx,", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘₚₓ,", strict=True))


def up(text):
    return "".join(UP[c] for c in str(text))


def down(*parts):
    return "".join(DOWN[c] for part in parts for c in str(part))


def signs(t, notation):  # noqa: PLR0912, PLR0915  all of a textbook's signs in one place
    """Every sign of a record in a textbook's own writing → its number."""
    L, m, table = t.L, t.rows, {}
    many, split = m > 1, m > 1 or t.objective.l2 > 0
    layers = {layer.number: layer for layer in t.network.layers}

    def layer_of(l):
        if notation in ("backlit", "nielsen"):
            return str(l)
        return f"({l})" if notation == "ng" else "(L)" if l == L else f"(L-{L - l})"

    first = 1 if notation in ("nielsen", "ng") else 0
    cost = "J" if notation == "ng" else "C"
    d = f"∂{cost}"
    weight = {"backlit": "W", "nielsen": "w", "ng": "Θ", "previous-layer": "w"}[notation]
    shift = 0 if notation in ("backlit", "nielsen") else -1

    def per_row(sign, l, j, i):
        above, below = layer_of(l) if l else "", str(j + first)
        if many and notation == "backlit":
            below = f"{i},{below}"
        elif many and notation == "nielsen":
            above = f"x{i + 1},{above}" if above else f"x{i + 1}"
        elif many:
            above += f"({i + first})"
        return sign + up(above) + down(below)

    for i in range(m):
        of_row = f"{d}{down(i + first)}" if many else d
        for l in range(1, L + 1):
            for j in range(t.network.sizes[l - 1]):
                plain = up(layer_of(l)) + down(j + first)
                table[per_row("a", l, j, i)] = t.a(l)[i, j]
                table[f"{of_row}/∂a{plain}"] = t.dC_da(l)[i, j]
                if l == 1:
                    continue
                table[per_row("z", l, j, i)] = t.z(l)[i, j]
                sigma = "g" if notation == "ng" else "σ"
                if l in t._slopes:
                    table[f"{sigma}′({per_row('z', l, j, i)})"] = t.slope(l)[i, j]
                delta = f"{of_row}/∂z{plain}" if notation == "previous-layer" else per_row("δ", l, j, i)
                table[delta] = t.delta(l)[i, j]
        for j in range(t.network.sizes[-1]):
            table[per_row("y", 0, j, i)] = t.Y[i, j]
        table[f"w̃{down(i + first)}"] = t.row_weights[i]
        table[f"{cost}{down(i + first)}" if split else cost] = t.row_costs[i]
        for l in range(1, L):
            if notation == "ng":
                table["a" + up(f"({l})" + (f"({i + 1})" if many else "")) + "₀"] = 1.0
    for l, layer in layers.items():
        for j in range(layer.W.shape[0]):
            above = up(layer_of(l + shift))
            if notation == "ng":
                gathered = float(np.dot(t.row_weights, t.delta(l)[:, j]))
                table[f"Θ{above}{down(j + 1, 0)}"] = layer.b[j]
                table[f"Δ{above}{down(j + 1, 0)}"] = gathered
                table[f"D{above}{down(j + 1, 0)}"] = t.bias_gradient(l)[j]
            else:
                table[f"b{above}{down(j + first)}"] = layer.b[j]
                table[f"{d}/∂b{above}{down(j + first)}"] = t.bias_gradient(l)[j]
            for k in range(layer.W.shape[1]):
                place = above + down(j + first, k + first)
                table[weight + place] = layer.W[j, k]
                table[f"{d}/∂{weight}{place}"] = t.weight_gradient(l)[j, k]
                if notation == "ng":
                    table["D" + place] = t.weight_gradient(l)[j, k]
                    table["Δ" + place] = float(np.dot(t.row_weights * t.delta(l)[:, j], t.a(l - 1)[:, k]))
    if split:
        table[cost] = t.cost.total
    squares = sum(float((layer.W**2).sum()) for layer in t.network.layers)
    table |= {"m": m, "n": t.objective.n, "λ": t.objective.l2, "penalty": t.cost.penalty, "Σ‖W‖²": squares}
    table |= {"α" if notation == "ng" else "η": t.steps[0].learning_rate if t.steps else math.nan}
    return table


FUNCTIONS = {
    "exp": math.exp, "exponential": math.exp, "ln": math.log, "tanh": math.tanh, "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)), "softplus": lambda z: math.log1p(math.exp(z)),
    "relu": lambda z: max(z, 0.0), "relu′": lambda z: float(z > 0), "clip": lambda e: min(max(e, -1), 1),
    "huber": lambda e: e * e / 2 if abs(e) <= 1 else abs(e) - 0.5,
}  # fmt: skip


class Reader:
    """Reads a formula as it is written: sums, then products left to right, then atoms."""

    def __init__(self, table, sigma):
        self.table, self.sigma = table, sigma

    def __call__(self, text):
        text = text.strip()
        parts = split(text, (" + ", " − "))
        if len(parts) > 1 or text.startswith("−"):
            return self.added(text, parts)
        if text.startswith("Σ") and text not in self.table:
            return self.summed(text)
        parts = split(text, (" · ", " / "))
        value = self(parts[0][1]) if len(parts) > 1 else self.atom(text)
        for place, (mark, part) in enumerate(parts[1:], start=1):
            if part.startswith("Σ") and part not in self.table:  # Σ takes all that is left of the product
                return value * self.summed("".join([part, *(m + p for m, p in parts[place + 1 :])]))
            value = value * self(part) if mark == " · " else value / self(part)
        return value

    def added(self, text, parts):
        total = 0.0
        for mark, part in parts:
            negative = part.startswith("−") and not mark.strip()
            value = self(part[1:]) if negative else self(part)
            total += -value if negative or mark == " − " else value
        return total

    def summed(self, text):
        mark, _, body = text.partition(" ")
        letter, start = mark[1], 1 if mark.endswith("₌₁") else 0
        total, terms = 0.0, 0
        for number in range(start, 12):
            try:
                total += self(self.put(body, letter, number))
                terms += 1
            except KeyError:
                if terms:
                    break
        assert terms, text
        return total

    @staticmethod
    def put(body, letter, number):
        if letter == "ₓ":
            return re.sub(r"ˣ(?=˒)|(?<=y)ˣ", f"ˣ{up(number)}", body).replace("ₓ", down(number))
        body = body.replace("⁽ⁱ⁾", f"⁽{up(number)}⁾") if letter == "ᵢ" else body
        return body.replace(letter, down(number))

    def atom(self, text):
        if text in self.table:
            return float(self.table[text])
        more = re.fullmatch(r"\[\d+ more: (.*)\]", text)
        if more:
            return self(more[1])
        if text.startswith("(") and text.endswith(")"):
            return self(text[1:-1])
        power = re.fullmatch(r"(.+)²", text)
        if power and text.endswith(")²"):
            return self(power[1]) ** 2
        call = re.fullmatch(r"([\w′-]+)\((.*)\)", text)
        if call:
            name = call[1] if call[1] in FUNCTIONS else self.sigma + "′" * call[1].endswith("′")
            return FUNCTIONS[name](self(call[2]))
        try:
            return float(text.replace("−", "-"))
        except ValueError:
            raise KeyError(text) from None


def split(text, marks):
    """At the marks that stand outside all brackets."""
    parts, depth, start, mark, i = [], 0, 0, "", 0
    while i < len(text):
        depth += (text[i] in "([") - (text[i] in ")]")
        found = next((m for m in marks if depth == 0 and text.startswith(m, i)), None)
        if found:
            parts.append((mark, text[start:i]))
            mark, start, i = found, i + len(found), i + len(found)
        else:
            i += 1
    return [*parts, (mark, text[start:])]


X = np.array([[0.5, -1.0, 0.2], [0.1, 0.4, -0.7], [1.5, 0.0, 0.3]])


def net(activation, output, n_L=2, seed=1):
    return bl.Network(
        [3, 4, 3, n_L], activation=activation, output=output, initializer="gaussian", seed=seed, dtype="float64"
    )


RECORDS = {
    "mazur": lambda: example("mazur").trace(),
    "1-1-1": lambda: example("1-1-1").trace(optimizer="sgd", learning_rate=0.5),
    "3-3-3": lambda: example("3-3-3").trace(),
    "three-layers": lambda: example("three-layers").trace(),
    "one row, penalty": lambda: bl.trace(net("tanh", "tanh"), X[0], [0.2, -0.1], cost="mse", l2=0.3),
    "rows, weights, penalty": lambda: bl.trace(
        net("sigmoid", "softmax"), X, [0, 1, 1], l2=0.7, n=50, sample_weight=[1, 2, 3], learning_rate=0.1
    ),
    "softmax, not fused": lambda: bl.trace(net("relu", "softmax", 3), X, [0, 1, 2], cost="quadratic"),
    "counts": lambda: bl.trace(net("softplus", "exponential", seed=2), X, [[1, 0], [2, 5], [0, 1]]),
    "huber": lambda: bl.trace(net("tanh", "identity"), X, X[:, :2] * 3, cost="huber"),
}


def everything(t):
    """Every number of the record that has an address."""
    yield Address("cost")
    yield Address("penalty")
    for row in range(t.rows):
        yield Address("row_cost", row=row)
        for l in range(1, t.L + 1):
            for j in range(t.network.sizes[l - 1]):
                for quantity in ("a", "dC_da") if l == 1 else ("z", "a", "dC_da", "delta"):
                    yield Address(quantity, l, j, row=row)
                if l in t._slopes:
                    yield Address("slope", l, j, row=row)
    for l in range(2, t.L + 1):
        fan_out, fan_in = t.network.layer(l).W.shape
        for j in range(fan_out):
            for row in (None, *(range(t.rows) if t.rows > 1 else ())):
                yield Address("bias", l, j, row=row)
                yield from (Address("weight", l, j, k, row) for k in range(fan_in))
            if t.steps:
                yield Address("update_bias", l, j)
                yield from (Address("update_weight", l, j, k) for k in range(fan_in))


@pytest.mark.parametrize("notation", notations.NOTATIONS)
@pytest.mark.parametrize("name", RECORDS)
def test_every_formula_as_it_is_written_gives_the_number_beside_it(name, notation):
    t = RECORDS[name]()
    table = signs(t, notation)
    lines = 0
    for at in everything(t):
        found = t.explain(at.quantity, at.layer, at.j, at.k, row=at.row, notation=notation)
        assert found.value == t.number(at)
        exact = found.paper(digits=17)
        for line in found.lines:
            activation = t.network.layer(at.layer).activation.name if (at.layer or 1) > 1 else ""
            read = Reader(table, activation)
            # a formula is added up in another order than the engine's product of matrices
            close = pytest.approx(line.value, rel=1e-11, abs=1e-13)
            assert read(line.symbols(exact)) == close, (at, line.symbols(exact))
            assert Reader({}, activation)(line.numbers(exact)) == close, (at, line.numbers(exact))
            lines += 1
    assert lines > 30 or name == "1-1-1"


@pytest.mark.parametrize("name", RECORDS)
def test_the_notations_agree_number_for_number(name):
    t = RECORDS[name]()
    for at in everything(t):
        values = {
            n: t.explain(at.quantity, at.layer, at.j, at.k, row=at.row, notation=n).value for n in notations.NOTATIONS
        }
        assert len(set(values.values())) == 1


def test_each_notation_writes_as_its_textbook_does():
    t = example("mazur").trace()
    sign = {n: t.explain("weight", 3, 0, 1, notation=n) for n in notations.NOTATIONS}
    written = {n: found.sign(found.paper()) for n, found in sign.items()}
    assert written == {
        "backlit": "∂C/∂W³₀₁",
        "nielsen": "∂C/∂w³₁₂",
        "ng": "D⁽²⁾₁₂",
        "previous-layer": "∂C/∂w⁽ᴸ⁻¹⁾₀₁",
    }
    said = {n: str(found) for n, found in sign.items()}
    assert all("BP4, gradient of the weights" in text for text in said.values())
    assert "∂C/∂w³₁₂ = a²₂ · δ³₁" in said["nielsen"]
    assert "D⁽²⁾₁₂ = 1 / m · Δ⁽²⁾₁₂" in said["ng"]
    assert "a⁽ᴸ⁻¹⁾₁ · σ′(z⁽ᴸ⁾₀) · ∂C/∂a⁽ᴸ⁾₀" in said["previous-layer"]
    assert not any(
        "δ" in t.explain(*at, notation="previous-layer").text()
        for at in (("weight", 2, 0, 1), ("bias", 2, 0), ("dC_da", 1, 0))
    )


def test_ng_divides_the_penalty_by_m_where_that_is_what_divides_it():
    t = example("three-layers").trace()
    assert "λ / m · Θ" in str(t.explain("weight", 2, 0, 0, notation="ng"))
    assert "λ / n · Θ" in str(example("three-layers").trace(n=100).explain("weight", 2, 0, 0, notation="ng"))


def test_the_bias_is_column_0_of_theta():
    found = example("mazur").trace().explain("z", 2, 1, notation="ng")
    assert "z⁽²⁾₂ = Θ⁽¹⁾₂₀ · a⁽¹⁾₀ + Σₖ₌₁ Θ⁽¹⁾₂ₖ · a⁽¹⁾ₖ" in found.text()


def test_a_misspelt_notation_gets_the_nearest():
    with pytest.raises(bl.OptionError, match="did you mean 'nielsen'"):
        example("mazur").trace().explain("cost", notation="nielson")


def test_a_wrong_formula_would_be_seen(monkeypatch):
    t = example("mazur").trace()
    monkeypatch.setitem(notations.NIELSEN.formulas, "weight.row", "a[l-1,j] * delta[l,j]")  # j where k should be
    found = t.explain("weight", 3, 0, 1, notation="nielsen")
    assert Reader(signs(t, "nielsen"), "sigmoid")(found.lines[0].symbols(found.paper())) != pytest.approx(found.value)
