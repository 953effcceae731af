// What the reader does: point, choose, edit, switch notation, language, row and direction.

function choose(at) {
  state.selected = at;
  state.shown = null;
  refreshChoice();
}

function refreshChoice() {
  light();
  showPanel();
}

function refresh() {
  document.documentElement.lang = state.lang === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  document.title = `${DOC.network.sizes.join("-")} · ${say("page.title")}`;
  paint();
  showPanel();
  showHead();
  showEquations();
  showTables();
}

function showHead() {
  const cost = state.pass.cost, o = DOC.objective, button = document.getElementById("cost");
  button.innerHTML = `${markup(sign("cost::::"))} = <b>${figure(cost.total)}</b>`;
  const penalty = o.l2 ? ` · ${notation().symbols.cost.text} = ${figure(cost.data)} + ${figure(cost.penalty)} (${say("eq.penalty")})` : "";
  const fused = o.fused ? ` · ${o.fused}: δ = a − y` : "";
  document.getElementById("facts").textContent = `${DOC.network.sizes.join("-")} · ${o.cost}${fused}${penalty} · ${say("part.counting", { first: notation().first })}`;
  const notes = [...DATA.page_notes.map(([key, values]) => say(key, values)), ...(state.edited ? [say("page.edited")] : [])];
  document.getElementById("notes").replaceChildren(...notes.map((note) => el("p", {}, note)));
  document.getElementById("reset").disabled = !state.edited;
  const steps = state.steps.length ? `${state.steps.length} · ${figure(state.steps[0][0], 4)} → ${figure(state.steps.at(-1)[1], 4)}` : "";
  document.getElementById("steps").textContent = steps;
  document.getElementById("about").textContent = notation().about[state.lang];
  document.getElementById("row-field").hidden = M < 2;
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", button.dataset.view === state.view);
}

function showEquations() {
  const list = DATA.equations[state.notation].map(([key, left, right]) => [say(key), left, right]);
  document.getElementById("equations").replaceChildren(...list.map(([words, left, right]) => el("li", {}, el("span", { class: "formula", html: `${markup(left)} = ${markup(right)}` }), el("span", { class: "words" }, words))));
}

// Every number of the pass, layer by layer; the weights of a layer when it is opened.
function showTables() {
  const box = document.getElementById("tables"), open = new Set([...box.querySelectorAll("details[open]")].map((d) => d.dataset.layer));
  const parts = [];
  for (let l = 1; l <= L; l++) {
    const quantities = l === 1 ? ["a", "dC_da"] : ["z", "a", "slope", "dC_da", "delta", "b", "bias"];
    const shown = quantities.filter((q) => state.pass[q] === undefined || state.pass[q][l]);
    const name = l === 1 ? say("part.input") : DOC.network.activations[l - 2];
    const head = el("tr", {}, el("th", { scope: "col" }, say("part.neuron")), ...shown.map((q) => el("th", { scope: "col", html: markup(heading(q, l)) })));
    const rows = neurons(l).map((j) => el("tr", {}, el("th", { scope: "row" }, String(j + notation().first)), ...shown.map((q) => cell(format({ quantity: q, layer: l, j, row: ["b", "bias"].includes(q) ? null : state.row })))));
    const long = neurons(l).length > 12;
    const table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": say("part.layer", { l }) }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
    const section = el("section", { class: "layer" }, el("h3", {}, `${say("part.layer", { l })}: ${name}`), long ? fold(`t${l}`, `${neurons(l).length} × ${say("part.neuron")}`, () => table, open) : table);
    if (l > 1) section.append(fold(`w${l}`, `${say("page.weights")}: ${neurons(l).length} × ${neurons(l - 1).length}`, () => weights(l), open, neurons(l).length * neurons(l - 1).length <= 40));
    parts.push(section);
  }
  box.replaceChildren(...parts);
}

const heading = (q, l) => writer().symbol(q, [l, 0], [], M > 1 && !["b", "bias"].includes(q) ? state.row : null);

function cell(at) {
  const v = value(at), text = figure(v, 5);
  return el("td", {}, el("button", { type: "button", class: `number link ${v < 0 ? "is-negative" : ""}`, "data-at": at, "aria-label": `${plain(sign(at))} = ${text}` }, text));
}

function fold(key, title, build, open, always = false) {
  const box = el("details", { "data-layer": key, open: always || open.has(key) }, el("summary", {}, title));
  const fill = () => box.children.length < 2 && box.append(build());
  if (box.open) fill();
  box.addEventListener("toggle", () => box.open && fill());
  return box;
}

// W above its gradient, cell by cell; arrow keys walk the grid, one stop for Tab.
function weights(l) {
  const head = el("tr", {}, el("th", { scope: "col" }, ""), ...neurons(l - 1).map((k) => el("th", { scope: "col" }, String(k + notation().first))));
  const rows = neurons(l).map((j, r) => el("tr", {}, el("th", { scope: "row" }, String(j + notation().first)), ...neurons(l - 1).map((k, c) => {
    const at = format({ quantity: "weight", layer: l, j, k }), w = value(format({ quantity: "W", layer: l, j, k })), g = value(at);
    const label = `${plain(sign(format({ quantity: "W", layer: l, j, k })))} = ${figure(w, 4)}, ${plain(sign(at))} = ${figure(g, 4)}`;
    const button = el("button", { type: "button", class: "pair link", "data-at": at, tabindex: r || c ? "-1" : "0", "aria-label": label });
    button.append(el("span", { class: w < 0 ? "is-negative" : "" }, figure(w, 4)), el("small", { class: g < 0 ? "is-negative" : "" }, figure(g, 3)));
    return el("td", {}, button);
  })));
  const table = el("table", { class: "grid" }, el("thead", {}, head), el("tbody", {}, ...rows));
  table.addEventListener("keydown", gridArrows);
  return el("div", { class: "scroll", role: "region", "aria-label": say("page.weights") }, el("p", { class: "hint" }, say("page.weights_hint")), table);
}

function gridArrows(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const td = event.target.closest("td");
  if (!step || !td) return;
  event.preventDefault();
  const rows = [...td.closest("tbody").rows], r = rows.indexOf(td.parentElement) + step[0];
  const next = rows[r]?.cells[td.cellIndex + step[1]]?.querySelector("button");
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function pick(id, options, current, change) {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map(([v, text]) => el("option", { value: v, selected: v === String(current) }, text)));
  select.addEventListener("change", () => change(select.value));
}

// The address under the pointer or the focus: a number's own link, an edge, or a neuron.
function under(target) {
  const link = target.closest?.("[data-at]");
  if (link && link.id !== "edit") return link.dataset.at;
  const node = target.closest?.("[data-node]");
  if (!node) return null;
  const [l, j] = node.dataset.node.split(":").map(Number);
  return nodeAddress(l, j);
}

function start() {
  pick("notation", Object.values(DATA.notations).map((n) => [n.name, n.title]), state.notation, (v) => ((state.notation = v), refresh()));
  pick("lang", [["en", "English"], ["zh", "中文"]], state.lang, (v) => ((state.lang = v), refresh()));
  pick("row", Array.from({ length: M }, (_, i) => [String(i), String(i)]), 0, (v) => {
    state.row = Number(v);
    const at = state.selected && parse(state.selected);
    if (at && at.row !== null) state.selected = format({ ...at, row: state.row });
    refresh();
  });
  document.getElementById("eta").value = DATA.learning_rate;
  document.getElementById("controls").hidden = !DATA.editable;
  document.getElementById("reset").addEventListener("click", () => (fresh(), refresh()));
  document.getElementById("step").addEventListener("click", step);
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => ((state.view = button.dataset.view), refresh()));
  draw();
  const drawingBox = document.getElementById("drawing"), panel = document.getElementById("explanation");
  drawingBox.addEventListener("keydown", arrows);
  for (const box of [drawingBox, document.getElementById("tables")]) {
    const show = (event) => {
      const at = under(event.target);
      if (at && at !== state.shown) ((state.shown = at), refreshChoice());
    };
    const leave = () => state.shown && ((state.shown = null), refreshChoice());
    box.addEventListener("pointerover", (event) => event.pointerType !== "touch" && show(event));
    box.addEventListener("pointerleave", leave);
    box.addEventListener("focusin", show);
    box.addEventListener("focusout", leave);
  }
  document.addEventListener("click", (event) => {
    const at = under(event.target);
    if (at) choose(at);
  });
  panel.addEventListener("click", (event) => event.target.closest(".link") && panel.focus());
  choose(DATA.first);
  refresh();
}

start();
window.backlit = { explain: (at, digits) => explainPlain(at, digits), value, edit, state, writer };

function explainPlain(at, digits) {
  const found = explain(at, digits), lines = found.lines;
  return { sign: plain(found.sign), value: found.value, lines: lines.map((l) => [plain(l.left), plain(l.symbols), plain(l.numbers), l.value]), factors: found.factors.map((f) => [plain(f.sign), f.text]) };
}
