// The explanation beside the network: what a number is, its formula, its factors, where it came from and leads to.

const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, v] of Object.entries(attributes)) {
    if (key === "html") node.innerHTML = v;
    else if (v !== null && v !== false) node.setAttribute(key, v === true ? "" : v);
  }
  node.append(...children);
  return node;
};

const SHOWN_LINKS = 10;

function showPanel() {
  const at = state.shown ?? state.selected, panel = document.getElementById("explanation");
  if (!at) {
    panel.replaceChildren(el("p", { class: "hint" }, say("page.hint")));
    return;
  }
  const { quantity, layer, j, k, row } = parse(at), found = explain(at);
  const where = [layer && say("part.layer", { l: layer }), j !== null && quantity !== "y" && `${say("part.neuron")} ${j + notation().first}`, k !== null && `${say("kind.input")} ${k + notation().first}`, row !== null && M > 1 && say("part.row", { row: row + notation().first })];
  const parts = [
    el("p", { class: "where" }, where.filter(Boolean).join(" · ")),
    el("h2", {}, found.title),
    el("p", { class: `result ${found.value < 0 ? "is-negative" : "is-positive"}`, html: `${markup(found.sign)} <span class="equals">=</span> <output id="value">${found.text}</output>` }),
    sentence(at),
  ];
  if (EDITABLE.has(quantity) || at.startsWith("weight:") || at.startsWith("bias:") || (quantity === "a" && layer === 1)) parts.push(editor(at));
  for (const line of found.lines) {
    parts.push(el("div", { class: "line" },
      el("div", { html: `${markup(line.left)} = ${markup(line.symbols)}` }),
      line.numbers === line.value ? "" : el("div", { class: "numbers", html: `= ${markup(line.numbers)}` }),
      el("div", { class: "numbers" }, `= ${line.value}`)));
  }
  if (found.factors.length) {
    parts.push(el("dl", { class: "factors" }, ...found.factors.flatMap((f) => [el("dt", { html: `${markup(f.sign)} = ${f.text}` }), el("dd", {}, f.name)])));
  }
  if (["z", "a"].includes(quantity) || quantity === "delta") parts.push(siblings(at));
  parts.push(...found.notes.map((note) => el("p", { class: "note" }, note)));
  if (["weight", "W", "bias", "b"].includes(quantity)) parts.push(paths(at));
  parts.push(links("page.made_from", madeFrom(at)), links("page.leads_to", leadsTo(at)));
  panel.replaceChildren(...parts.filter(Boolean));
}

// The same number in a plain sentence.
function sentence(at) {
  const { quantity, layer: l, j, k } = parse(at), v = value(at), first = notation().first;
  const of = { j: j === null ? "" : j + first, k: k === null ? "" : k + first, l, value: figure(v, 4) };
  let key = { z: "say.z", weight: "say.weight", bias: "say.bias", dC_da: l === 1 ? null : "say.dC_da" }[quantity];
  if (quantity === "a" && l > 1) {
    key = "say.a";
    Object.assign(of, { activation: DOC.network.activations[l - 2], z: figure(value(at.replace("a:", "z:")), 4) });
  }
  if (quantity === "delta") key = v === 0 ? "say.delta.none" : v > 0 ? "say.delta.up" : "say.delta.down";
  if (quantity === "slope") key = v < 0.01 ? "say.slope.flat" : "say.slope";
  return key && Number.isFinite(v) ? el("p", { class: "say" }, say(key, of)) : null;
}

// A neuron's other numbers, one touch away.
function siblings(at) {
  const { layer, j, row } = parse(at);
  const all = layer === 1 ? ["a", "dC_da"] : ["z", "a", "slope", "dC_da", "delta", "b", "bias"];
  const here = all.map((q) => format({ quantity: q, layer, j, row: ["b", "bias"].includes(q) ? null : row })).filter((other) => other !== at && Number.isFinite(value(other)));
  return el("div", { class: "siblings" }, ...here.map((other) => chip(other)));
}

const chip = (at) => el("button", { type: "button", class: "chip link", "data-at": at, html: `${markup(sign(at))} <b>${figure(value(at), 4)}</b>` });

function links(title, addresses) {
  if (!addresses.length) return null;
  const rest = addresses.length - SHOWN_LINKS, shown = addresses.slice(0, SHOWN_LINKS).map(chip);
  return el("div", { class: "neighbours" }, el("h3", {}, say(title)), el("div", { class: "chips" }, ...shown, rest > 0 ? ` + ${rest}` : ""));
}

// What can be changed: an input, a target, a weight, a bias. A gradient offers its weight.
const EDITABLE = new Set(["W", "b", "x", "y"]);

function editor(at) {
  const { quantity, layer, j, k, row } = parse(at);
  const own = { weight: "W", bias: "b" }[quantity] ?? (quantity === "a" ? "x" : quantity);
  const target = own === "x" ? format({ quantity: "x", k: j ?? k, row: row ?? state.row }) : format({ quantity: own, layer, j, k, row: own === "y" ? row : null });
  if (!DATA.editable) return el("p", { class: "note" }, say("page.not_editable"));
  const label = `${plain(sign(own === "x" ? format({ quantity: "a", layer: 1, j: j ?? k, row }) : target))} =`;
  const now = own === "x" ? state.X[row ?? state.row][places[1].get(j ?? k)] : value(target);
  const input = el("input", { type: "number", step: "any", value: now, id: "edit", "aria-label": `${say("page.edit")}: ${label}`, "data-at": target });
  const step = Math.abs(now) > 0 ? Math.abs(now) * 0.1 : 0.1;
  const nudge = (sign_, text) => {
    const button = el("button", { type: "button", class: "nudge", "aria-label": `${label} ${text}` }, text);
    button.addEventListener("click", () => edit(target, Number(input.value) + sign_ * step));
    return button;
  };
  input.addEventListener("change", () => edit(target, Number(input.value)));
  return el("div", { class: "edit" }, el("label", { for: "edit" }, label), nudge(-1, "−"), input, nudge(1, "+"));
}

function edit(at, to) {
  if (!Number.isFinite(to)) return;
  const { quantity, layer, j, k, row } = parse(at), p = (l, n) => places[l].get(n);
  if (quantity === "W") state.net.W[layer][p(layer, j)][p(layer - 1, k)] = to;
  if (quantity === "b") state.net.b[layer][p(layer, j)] = to;
  if (quantity === "x") state.X[row ?? 0][p(1, k)] = to;
  if (quantity === "y") state.Y[row ?? 0][p(L, j)] = to;
  state.pass = null;
  recompute();
  state.edited = true;
  state.shown = null;
  refresh();
  document.getElementById("edit")?.focus();
}

// One step of plain gradient descent, every parameter at once.
function step() {
  const before = state.pass.cost.total, rate = eta();
  for (let l = 2; l <= L; l++) {
    state.net.W[l].forEach((weights, j) => weights.forEach((_, k) => (weights[k] -= rate * state.pass.weight_gradient[l][j][k])));
    state.net.b[l].forEach((_, j) => (state.net.b[l][j] -= rate * state.pass.bias_gradient[l][j]));
  }
  recompute();
  state.edited = true;
  state.steps.push([before, state.pass.cost.total]);
  refresh();
}

// The largest paths from a weight or a bias to the cost, best-first and exact, and the account.
const SHOWN_PATHS = 5;

function paths(at) {
  const { quantity, layer: l, j, k } = parse(at), row = state.row;
  if (DATA.neurons[l].length !== size(l) || Object.keys(DATA.neurons).some((m) => m > l && neurons(m).length !== size(m))) return null;
  const get = (q, layer, ...indices) => look({ quantity: q, layer, indices, row });
  const weight = quantity === "weight" || quantity === "W", start = weight ? get("a", l - 1, k) : 1;
  const beyond = { [L]: new Map(neurons(L).map((p) => [p, Math.abs(get("delta", L, p))])) };
  for (let m = L - 1; m >= l; m--) {
    beyond[m] = new Map(neurons(m).map((p) => [p, Math.abs(get("slope", m, p)) * Math.max(...neurons(m + 1).map((q) => Math.abs(get("W", m + 1, q, p)) * beyond[m + 1].get(q)))]));
  }
  const queue = [[Math.abs(start) * beyond[l].get(j), [j], start]], found = [];
  while (queue.length && found.length < SHOWN_PATHS) {
    const best = queue.reduce((b, path, i) => (path[0] > queue[b][0] || (path[0] === queue[b][0] && path[1].length > queue[b][1].length) ? i : b), 0);
    const [, route, gone] = queue.splice(best, 1)[0], m = l + route.length - 1, here = route.at(-1);
    if (m === L) {
      found.push([route, gone * get("delta", L, here)]);
      continue;
    }
    const on = gone * get("slope", m, here);
    for (const q of neurons(m + 1)) {
      const next = on * get("W", m + 1, q, here);
      queue.push([Math.abs(next) * beyond[m + 1].get(q), [...route, q], next]);
    }
  }
  const count = DOC.network.sizes.slice(l).reduce((product, n) => product * n, 1), sum = total(found.map(([, v]) => v));
  const gradient = start * get("delta", l, j), first = notation().first;
  const list = found.map(([route, v]) => {
    const steps = [...(weight ? [`${l - 1}:${k + first}`] : []), ...route.map((p, i) => `${l + i}:${p + first}`), notation().symbols.cost.text];
    return el("li", {}, el("span", {}, steps.join(" → ")), el("b", { class: v < 0 ? "is-negative" : "is-positive" }, figure(v, 4)));
  });
  return el("details", { class: "paths", open: count > 1 }, el("summary", {}, say("page.paths", { count: count.toLocaleString() }) + (M > 1 ? ` (${say("part.row", { row: row + first })})` : "")), el("ol", {}, ...list), el("p", { class: "note" }, say("page.paths_sum", { shown: found.length, count: count.toLocaleString(), sum: figure(sum, 6), gradient: figure(gradient, 6) })));
}
