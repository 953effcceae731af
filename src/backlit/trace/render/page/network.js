// The network as the derivations draw it: a column a layer, edges by size and sign, the paths of a weight lit.

const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, v] of Object.entries(attributes)) if (v !== null) node.setAttribute(key, v);
  node.append(...children);
  return node;
};

const layout = (() => {
  const at = {}, few = 12, small = Math.max(...DOC.network.sizes.map((_, i) => neurons(i + 1).length)) <= few;
  const narrow = window.innerWidth < 560, width = narrow ? 380 : 760, widest = Math.max(...DOC.network.sizes.map((_, i) => neurons(i + 1).length));
  const margin = widest > 40 ? (narrow ? 76 : 116) : narrow ? 40 : 90, step = Math.min(narrow ? 74 : 96, 640 / widest);
  const height = small ? Math.max(2.4, widest) * step + 60 : narrow ? 480 : 600;
  DOC.network.sizes.forEach((_, i) => {
    const l = i + 1, n = neurons(l).length, x = L === 1 ? width / 2 : margin + (i * (width - 2 * margin)) / (L - 1);
    const grid = n > 40, columns = grid ? Math.ceil(Math.sqrt(n)) : 1, rows = Math.ceil(n / columns);
    const gap = grid ? (narrow ? 140 : 210) / columns : small ? step : Math.min(46, (height - 70) / n);
    const r = small ? Math.min(narrow ? 24 : 29, step * 0.4) : grid ? gap * 0.46 : Math.min(15, gap * 0.42);
    at[l] = neurons(l).map((j, p) => ({
      j, r, square: grid,
      x: x + ((p % columns) - (columns - 1) / 2) * gap,
      y: height / 2 + 14 + (Math.floor(p / columns) - (rows - 1) / 2) * gap,
    }));
  });
  return { at, width, height, small };
})();

const drawing = { nodes: new Map(), edges: new Map(), root: null };

function draw() {
  const root = svg("svg", { viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", id: "network" });
  const edges = svg("g", { class: "edges" }), nodes = svg("g", { class: "nodes" }), heads = svg("g", { class: "heads" });
  for (let l = 2; l <= L; l++) {
    layout.at[l].forEach((to) =>
      layout.at[l - 1].forEach((from) => {
        const key = format({ quantity: "weight", layer: l, j: to.j, k: from.j });
        const [x1, x2] = [from.x + from.r, to.x - to.r];
        const line = svg("line", { x1, y1: from.y, x2, y2: to.y, class: "edge", "data-at": key });
        drawing.edges.set(key, line);
        edges.append(line);
        if (layout.small) {
          line.setAttribute("tabindex", "-1");
          line.setAttribute("role", "button");
          edges.append(svg("line", { x1, y1: from.y, x2, y2: to.y, class: "reach", "data-at": key }));
        }
      }),
    );
  }
  for (let l = 1; l <= L; l++) {
    for (const place of layout.at[l]) {
      const shape = place.square
        ? svg("rect", { x: place.x - place.r, y: place.y - place.r, width: 2 * place.r, height: 2 * place.r })
        : svg("circle", { cx: place.x, cy: place.y, r: place.r });
      const group = svg("g", { class: "node", tabindex: "-1", role: "button", "data-node": `${l}:${place.j}` }, shape);
      if (layout.small) group.append(svg("text", { x: place.x, y: place.y + 4, class: "value" }));
      else if (place.r > 8 && !place.square) group.append(svg("text", { x: place.x, y: place.y + 3, class: "value tiny" }));
      drawing.nodes.set(`${l}:${place.j}`, group);
      nodes.append(group);
    }
    const x = layout.at[l].reduce((s, p) => s + p.x, 0) / layout.at[l].length;
    heads.append(svg("text", { x, y: 18, class: "head", "data-head": l }), svg("text", { x, y: 34, class: "subhead", "data-subhead": l }));
  }
  root.append(edges, nodes, heads);
  drawing.root = root;
  document.getElementById("drawing").replaceChildren(root);
  const first = drawing.nodes.get(`1:${neurons(1)[0]}`);
  first.setAttribute("tabindex", "0");
}

const spoken = (l, j) => `${say("part.layer", { l })}, ${say("part.neuron")} ${j + notation().first}`;

function paint() {
  const row = state.row, backward = state.view === "backward";
  const scale = (values) => Math.max(1e-300, ...values.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0)));
  const edgeOf = backward ? "weight" : "W";
  for (let l = 2; l <= L; l++) {
    const keys = neurons(l).flatMap((j) => neurons(l - 1).map((k) => ({ quantity: edgeOf, layer: l, j, k, row: null })));
    const values = keys.map(value), top = scale(values), dense = keys.length > 300;
    keys.forEach((at, i) => {
      const share = Math.abs(values[i]) / top, line = drawing.edges.get(format({ ...at, quantity: "weight" }));
      line.style.strokeWidth = (dense ? 0.15 + 1.6 * share * share : 0.7 + 5 * share).toFixed(2);
      line.style.strokeOpacity = (dense ? 0.03 + 0.75 * share * share : 0.25 + 0.6 * share).toFixed(2);
      line.classList.toggle("negative", values[i] < 0);
      line.classList.toggle("positive", values[i] > 0);
      if (layout.small) line.setAttribute("aria-label", `${plain(sign(format(at)))} = ${figure(values[i], 4)}`);
    });
  }
  for (let l = 1; l <= L; l++) {
    const quantity = backward ? (l === 1 ? "dC_da" : "delta") : "a";
    const values = neurons(l).map((j) => value({ quantity, layer: l, j, k: null, row })), top = scale(values);
    neurons(l).forEach((j, i) => {
      const group = drawing.nodes.get(`${l}:${j}`), v = values[i], share = Number.isFinite(v) ? Math.abs(v) / top : 1;
      group.firstChild.style.fill = `color-mix(in oklab, var(${v < 0 ? "--negative" : "--positive"}) ${Math.round(8 + 70 * share)}%, var(--node))`;
      const text = group.querySelector("text");
      if (text) text.textContent = figure(v, layout.small ? 3 : 2);
      if (text) text.classList.toggle("on-dark", share > 0.55);
      const at = format({ quantity, layer: l, j, row });
      group.setAttribute("aria-label", `${spoken(l, j)}: ${plain(sign(at))} = ${figure(v, 4)}`);
    });
    const head = drawing.root.querySelector(`[data-head="${l}"]`), sub = drawing.root.querySelector(`[data-subhead="${l}"]`);
    head.textContent = say("part.layer", { l });
    const full = size(l) === neurons(l).length ? "" : ` · ${neurons(l).length}/${size(l)}`;
    sub.textContent = (l === 1 ? say("part.input") : DOC.network.activations[l - 2]) + full;
  }
  light();
}

// What reaches each neuron's z from the chosen number, and what each edge carries on to the cost.
function flows(at) {
  const { quantity, layer: l, j, k } = parse(at), row = state.row, found = new Map();
  let reach;
  if (quantity === "weight" || quantity === "W") {
    reach = new Map([[j, look({ quantity: "a", layer: l - 1, indices: [k], row })]]);
    found.set(format({ quantity: "weight", layer: l, j, k }), reach.get(j) * look({ quantity: "delta", layer: l, indices: [j], row }));
  } else if (quantity === "b" || quantity === "bias" || quantity === "z" || quantity === "delta" || quantity === "slope") reach = new Map([[j, 1]]);
  else if ((quantity === "a" || quantity === "dC_da" || quantity === "x") && (l ?? 1) < L) {
    const from = l ?? 1, start = quantity === "x" ? k : j;
    reach = new Map();
    for (const p of neurons(from + 1)) {
      const w = look({ quantity: "W", layer: from + 1, indices: [p, start] });
      reach.set(p, w);
      found.set(format({ quantity: "weight", layer: from + 1, j: p, k: start }), w * look({ quantity: "delta", layer: from + 1, indices: [p], row }));
    }
    return onward(found, reach, from + 1, row);
  } else return found;
  return onward(found, reach, l, row);
}

function onward(found, reach, from, row) {
  for (let l = from; l < L; l++) {
    const next = new Map();
    for (const [j, gone] of reach) {
      const step = gone * look({ quantity: "slope", layer: l, indices: [j], row });
      for (const p of neurons(l + 1)) {
        const w = step * look({ quantity: "W", layer: l + 1, indices: [p, j] });
        next.set(p, (next.get(p) ?? 0) + w);
        found.set(format({ quantity: "weight", layer: l + 1, j: p, k: j }), w * look({ quantity: "delta", layer: l + 1, indices: [p], row }));
      }
    }
    reach = next;
  }
  return found;
}

// Lights the paths of what is shown; all else steps back.
function light() {
  const at = state.shown ?? state.selected;
  for (const line of drawing.root.querySelectorAll(".lit, .chosen")) line.classList.remove("lit", "chosen", "against");
  drawing.root.classList.toggle("lighting", false);
  if (!at) return;
  const { quantity, layer, j, k } = parse(at);
  const node = quantity === "x" ? `1:${k}` : quantity === "y" ? `${L}:${j}` : `${layer}:${j}`;
  if (!["weight", "W"].includes(quantity)) drawing.nodes.get(node)?.classList.add("chosen");
  const lit = flows(at);
  if (!lit.size) return;
  drawing.root.classList.add("lighting");
  for (let l = 2; l <= L; l++) {
    const here = [...lit].filter(([key]) => parse(key).layer === l), top = Math.max(1e-300, ...here.map(([, v]) => Math.abs(v)));
    for (const [key, v] of here) {
      const line = drawing.edges.get(key), share = Math.abs(v) / top;
      if (!line || share < 0.02) continue;
      line.classList.add("lit");
      line.classList.toggle("against", v < 0);
      line.style.setProperty("--lit", (0.8 + 4.5 * share).toFixed(2));
      line.style.setProperty("--shine", (0.25 + 0.75 * share).toFixed(2));
    }
  }
  if (quantity === "weight" || quantity === "W") drawing.edges.get(format({ quantity: "weight", layer, j, k }))?.classList.add("chosen");
}

// Arrow keys: left and right between layers, up and down between neurons; w goes to the weights that lead in.
function arrows(event) {
  const here = event.target.closest("[data-node], .edge");
  if (!here) return;
  if (here.matches(".edge")) return edgeArrows(event, here);
  const [l, j] = here.dataset.node.split(":").map(Number), place = neurons(l).indexOf(j);
  const columns = layout.at[l].filter((p) => Math.abs(p.y - layout.at[l][0].y) < 0.5).length;
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return choose(nodeAddress(l, j));
  }
  if (event.key === "w" && l > 1 && layout.small) return focusOn(drawing.edges.get(format({ quantity: "weight", layer: l, j, k: neurons(l - 1)[0] })));
  if (!move) return;
  event.preventDefault();
  let target = l, at = place + move[1];
  if (move[0] && columns > 1 && (place % columns) + move[0] >= 0 && (place % columns) + move[0] < columns) at = place + move[0];
  else if (move[0]) {
    target = l + move[0];
    at = Math.round((place / Math.max(1, neurons(l).length - 1)) * ((neurons(target)?.length ?? 1) - 1));
  }
  const next = neurons(target)?.[at];
  if (next !== undefined) focusOn(drawing.nodes.get(`${target}:${next}`));
}

function edgeArrows(event, here) {
  const { layer, j, k } = parse(here.dataset.at), places = neurons(layer - 1), i = places.indexOf(k);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return choose(here.dataset.at);
  }
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.key === "Escape") return focusOn(drawing.nodes.get(`${layer}:${j}`));
  if (!step) return;
  event.preventDefault();
  const next = places[i + step];
  if (next !== undefined) focusOn(drawing.edges.get(format({ quantity: "weight", layer, j, k: next })));
}

const nodeAddress = (l, j) => (state.view === "forward" ? format({ quantity: "a", layer: l, j, row: state.row }) : format({ quantity: l === 1 ? "dC_da" : "delta", layer: l, j, row: state.row }));

function focusOn(node) {
  drawing.root.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
  node.setAttribute("tabindex", "0");
  node.focus();
}
