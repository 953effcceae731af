// What the page knows: the record as Python wrote it, then, after an edit, the pass recomputed here.
// An address is "quantity:layer:j:k:row", with nothing where a part is not needed.

const DATA = JSON.parse(document.getElementById("trace").textContent);
const DOC = DATA.record, L = DOC.network.sizes.length, M = DOC.rows;
const number = (v) => (typeof v === "string" ? Number(v) : v);
const numbers = (v) => (Array.isArray(v) ? v.map(numbers) : number(v));
const byLayer = (o) => Object.fromEntries(Object.entries(o).map(([l, v]) => [l, numbers(v)]));

const state = {
  notation: DATA.notation, lang: DATA.lang, view: "forward", row: 0, selected: null, shown: null, edited: false, steps: [],
};

function fresh() {
  state.net = { ...DOC.network, W: byLayer(DOC.network.W), b: byLayer(DOC.network.b) };
  state.X = numbers(DOC.x);
  state.Y = numbers(DOC.y);
  state.weights = numbers(DOC.row_weights);
  state.pass = { cost: byLayer(DOC.cost), row_costs: numbers(DOC.row_costs), squares: DATA.squares };
  for (const q of ["z", "a", "slope", "dC_da", "delta", "weight_gradient", "bias_gradient"]) state.pass[q] = byLayer(DOC[q]);
  state.edited = false;
  state.steps = [];
}
fresh();

const objective = () => DOC.objective;
const recompute = () => (state.pass = onePass(state.net, objective(), state.X, state.Y, state.weights));

const places = Object.fromEntries(Object.entries(DATA.neurons).map(([l, js]) => [l, new Map(js.map((j, i) => [j, i]))]));
const neurons = (l) => DATA.neurons[l];
const size = (l) => DOC.network.sizes[l - 1];

const parse = (at) => {
  const [quantity, ...rest] = at.split(":");
  const [layer, j, k, row] = rest.map((part) => (part === "" ? null : Number(part)));
  return { quantity, layer, j, k, row };
};
const format = ({ quantity, layer = null, j = null, k = null, row = null }) => [quantity, layer, j, k, row].map((p) => p ?? "").join(":");

function look({ quantity, layer, indices, row }) {
  const at = (l, j) => places[l].get(j), r = row ?? 0, [j, k] = indices;
  const pass = state.pass;
  switch (quantity) {
    case "one": return 1;
    case "w": return state.weights[r];
    case "y": return state.Y[r][at(L, j)];
    case "row_cost": return pass.row_costs[r];
    case "W": return state.net.W[layer][at(layer, j)][at(layer - 1, k)];
    case "b": return state.net.b[layer][at(layer, j)];
    case "weight": return pass.weight_gradient[layer]?.[at(layer, j)][at(layer - 1, k)] ?? NaN;
    case "bias": return pass.bias_gradient[layer]?.[at(layer, j)] ?? NaN;
    case "accumulator": return total(state.weights.map((w, i) => w * pass.delta[layer][i][at(layer, j)] * pass.a[layer - 1][i][at(layer - 1, k)]));
    case "bias_accumulator": return total(state.weights.map((w, i) => w * pass.delta[layer][i][at(layer, j)]));
    default: return pass[quantity]?.[layer]?.[r]?.[at(layer, j)] ?? NaN;
  }
}

function value(at) {
  const { quantity, layer, j, k, row } = typeof at === "string" ? parse(at) : at;
  if (quantity === "cost") return state.pass.cost.total;
  if (quantity === "penalty") return state.pass.cost.penalty;
  if (quantity === "weight" && row !== null && M > 1) return look({ quantity: "delta", layer, indices: [j], row }) * look({ quantity: "a", layer: layer - 1, indices: [k], row });
  if (quantity === "bias" && row !== null && M > 1) return look({ quantity: "delta", layer, indices: [j], row });
  return look({ quantity, layer, indices: [j, k].filter((p) => p !== null), row });
}

const HIDDEN_POINTS = new Set(["accumulator", "bias_accumulator", "one", "w", "jacobian"]);
const world = {
  L, m: M, look, size, neurons,
  split: M > 1 || DOC.objective.l2 > 0,
  get names() {
    const o = objective();
    return { m: M, n: o.n, lam: o.l2, eta: eta(), squares: state.pass.squares, penalty: state.pass.cost.penalty };
  },
  address({ quantity, layer, indices, row }) {
    if (HIDDEN_POINTS.has(quantity)) return null;
    const [j = null, k = null] = indices, perRow = ["z", "a", "slope", "dC_da", "delta", "y"].includes(quantity);
    if (quantity === "row_cost") return format({ quantity, row });
    return format({ quantity, layer, j, k, row: perRow ? row ?? 0 : null });
  },
};
const eta = () => Number(document.getElementById("eta")?.value) || DATA.learning_rate;

const say = (key, values = {}) => {
  const text = DATA.sentences[key]?.[state.lang] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
};
const notation = () => DATA.notations[state.notation];
const writer = (digits = 6) => new Writer(notation(), world, digits);

// The sign of an address in the notation of the reader.
function sign(at, write = writer()) {
  const { quantity, layer, j, k, row } = parse(at);
  const indices = [j, k].filter((p) => p !== null);
  if (quantity === "x") return write.symbol("a", [1, 0], indices, row);
  const own = (quantity === "weight" || quantity === "bias") && row !== null && M > 1 ? `row_${quantity}` : quantity;
  return write.symbol(own, layer === null ? null : [layer, 0], indices, row);
}

// The explanation of a number: the same lines, factors, notes and neighbours as `t.explain` gives.
function explain(at, digits = 6) {
  const write = writer(digits), { quantity, layer, j, k, row } = parse(at);
  const perRow = (quantity === "weight" || quantity === "bias") && row !== null && M > 1;
  const key = `${quantity}${perRow ? ".row" : ""}:${layer ?? ""}`;
  const letters = { l: layer ?? L, L, ...(j === null ? {} : { j }), ...(k === null ? {} : { k }) };
  const r = row ?? (M > 1 ? null : 0), result = value(at);
  const complete = neurons(layer ?? L).length === size(layer ?? L);
  let lines = DATA.formulas[state.notation][key] ?? [];
  if (quantity === "row_cost" && lines.length) {
    const tree = DATA.trees[lines[0][1]], direct = write.evaluate(tree, letters, r);
    if (!(Math.abs(direct - result) <= 1e-9 * Math.abs(result) + 1e-300) && DATA.formulas[state.notation]["row_cost.z:"]) lines = DATA.formulas[state.notation]["row_cost.z:"];
  }
  if (!complete && quantity === "cost" && M === 1) lines = [];
  const written = lines.map(([left, text]) => {
    const tree = DATA.trees[text], own = left === quantity;
    const leftSign = own ? sign(at, write) : write.symbol(left, [layer, 0], [j, k].filter((p) => p !== null), null);
    const found = own ? result : write.evaluate(tree, letters, r);
    return { left: leftSign, symbols: write.symbols(tree, letters, r), numbers: write.numbers(tree, letters, r, knownSum(parse(at))), value: write.figure(found) };
  });
  const product = DATA.products[key];
  const factors = product ? factorsOf(DATA.trees[product]).map((node) => factor(node, letters, r, write)) : [];
  return { at, title: say(DATA.titles[`${quantity}:${layer ?? ""}`]), sign: sign(at, write), value: result, text: write.figure(result), lines: written, factors: factors.length > 1 ? factors : [], notes: notesOf(at) };
}

// Of a formula whose sum runs over a layer that is only partly in the page: what the whole sum comes to.
function knownSum({ quantity, layer, j, row }) {
  if (quantity === "z") return value({ quantity: "z", layer, j, k: null, row }) - look({ quantity: "b", layer, indices: [j] });
  return quantity === "dC_da" || quantity === "delta" ? value({ quantity: "dC_da", layer, j, k: null, row }) : undefined;
}

const factorsOf = (node) => (node[0] === "*" ? [...factorsOf(node[1]), ...factorsOf(node[2])] : [node]);

function factor(node, letters, row, write) {
  const names = { sum: "factor.sum", "-": "factor.difference", neg: "factor.eta" };
  const own = { weight: "gradient", bias: "gradient" };
  const name = names[node[0]] ?? `factor.${own[node[1]] ?? node[1]}`;
  return { name: say(name), sign: write.symbols(node, letters, row), text: write.figure(write.evaluate(node, letters, row)) };
}

function notesOf(at) {
  const { quantity, layer, j, row } = parse(at);
  const found = (DATA.notes[`${quantity}:${layer ?? ""}`] ?? []).map(([key, values]) => say(key, values));
  const name = layer > 1 ? DOC.network.activations[layer - 2] : "";
  if ((quantity === "slope" || quantity === "delta") && ["relu", "leaky-relu"].includes(name) && look({ quantity: "z", layer, indices: [j], row }) === 0) {
    found.push(say("note.kink", { activation: name, slope: figure(look({ quantity: "slope", layer, indices: [j], row })) }));
  }
  return found;
}

// One step on: the numbers made from this one.
function leadsTo(at) {
  const { quantity: q, layer: l, j, k, row } = parse(at);
  const rows = row === null ? Array.from({ length: M }, (_, i) => i) : [row];
  const to = (quantity, layer, j, k, row) => format({ quantity, layer, j, k, row });
  const hasSlope = (layer) => layer > 1 && DOC.network.activations[layer - 2] !== "softmax" && Boolean(state.pass.slope[layer]);
  if (q === "W" || q === "b") return [...rows.map((r) => to("z", l, j, null, r)), ...(q === "W" && objective().l2 ? [to("penalty")] : [])];
  if (q === "z") return [to("a", l, j, null, row), ...(hasSlope(l) ? [to("slope", l, j, null, row)] : [])];
  if (q === "a" && l === L) return [to("row_cost", null, null, null, row), to("dC_da", l, j, null, row), to("delta", l, j, null, row)];
  if (q === "a") return neurons(l + 1).map((p) => to("z", l + 1, p, null, row));
  if (q === "y") return [to("row_cost", null, null, null, row), to("dC_da", L, j, null, row)];
  if (q === "row_cost" || q === "penalty") return [to("cost")];
  if (q === "slope" || q === "dC_da") return l > 1 ? [to("delta", l, j, null, row)] : [];
  if (q === "delta") return [...neurons(l - 1).map((p) => to("dC_da", l - 1, p, null, row)), to("bias", l, j), ...neurons(l - 1).map((p) => to("weight", l, j, p))];
  return [];
}

// The numbers a formula was made from, in the order in which it names them.
function madeFrom(at) {
  const { quantity, layer, j, k, row } = parse(at), write = writer(), found = new Set();
  const key = `${quantity}${(quantity === "weight" || quantity === "bias") && row !== null && M > 1 ? ".row" : ""}:${layer ?? ""}`;
  const letters = { l: layer ?? L, L, ...(j === null ? {} : { j }), ...(k === null ? {} : { k }) };
  const gather = (node, letters, row) => {
    if (node[0] === "at") found.add(world.address(write.bind(node, letters, row)));
    else if (node[0] === "sum" || node[0] === "rows") write.terms(node, letters, row).forEach(([inner, r]) => gather(node.at(-1), inner, r));
    else node.slice(1).filter(Array.isArray).forEach((part) => gather(part, letters, row));
  };
  for (const [, text] of DATA.formulas[state.notation][key] ?? []) gather(DATA.trees[text], letters, row ?? (M > 1 ? null : 0));
  found.delete(null);
  found.delete(at);
  return [...found];
}
