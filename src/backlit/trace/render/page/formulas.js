// A formula is a tree of plain lists that Python parsed: it is evaluated, and written in a notation, here as there.
// Text is built as sign^{above}_{below}; `plain` makes Unicode of it and `markup` HTML. A link is ⟦address⟧text⟦⟧.

const MOST_TERMS = 6;
const SUM = 1.5, ADD = 1, MULTIPLY = 2, POWER = 3, ATOM = 4;
const HAS_ROW = new Set(["z", "a", "slope", "dC_da", "delta", "y", "x", "jacobian", "one", "row_weight", "row_bias"]);
const OF_ROW_COST = new Set(["dC_da", "row_weight", "row_bias", "delta"]);
const SUPER = Object.fromEntries([..."0123456789+-()lLxij,"].map((c, i) => [c, [..."⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸˣⁱʲ˒"][i]]));
const SUB = Object.fromEntries([..."0123456789ijklmpx="].map((c, i) => [c, [..."₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₚₓ₌"][i]]));

function figure(value, digits = 6) {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const e = Number(exponent);
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const text = e < -4 || e >= digits ? `${short(mantissa)}e${e}` : short(value.toFixed(Math.max(0, digits - 1 - e)));
  return text.replaceAll("-", "−");
}

const plain = (text) =>
  text
    .replace(/⟦[^⟧]*⟧/g, "")
    .replace(/\^\{([^}]*)\}/g, (_, s) => [...s].map((c) => SUPER[c] ?? c).join(""))
    .replace(/_\{([^}]*)\}/g, (_, s) => [...s].map((c) => SUB[c] ?? c).join(""));

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const markup = (text) =>
  escape(text)
    .replace(/⟦([^⟧]+)⟧/g, '<button type="button" class="link" data-at="$1">')
    .replaceAll("⟦⟧", "</button>")
    .replace(/\^\{([^}]*)\}_\{([^}]*)\}/g, '<span class="scripts"><sup>$1</sup><sub>$2</sub></span>')
    .replace(/\^\{([^}]*)\}/g, "<sup>$1</sup>")
    .replace(/_\{([^}]*)\}/g, "<sub>$1</sub>")
    .replace(/-(?=[^<]*<\/su[pb]>)/g, "−");

// `world` gives the numbers: look(point), size(layer) → the neurons there are, m, names, L.
class Writer {
  constructor(notation, world, digits = 6) {
    Object.assign(this, { notation, world, digits });
  }

  figure(value) {
    return figure(value, this.digits);
  }

  count(index) {
    return typeof index === "string" ? index : String(index + this.notation.first);
  }

  rowSign(quantity, row) {
    const letter = row === "i" && this.notation.row === "superscript" ? "x" : row;
    return this.notation.symbols[quantity].text + (row === null ? "" : this.below([], [], [letter]));
  }

  below(before, extra, indices) {
    const after = [...indices.map((i) => this.count(i)), ...extra.map(String)];
    const joined = after.join(after.some((part) => part.length > 1) ? "," : "");
    const text = [...before, joined].filter(Boolean).join(",");
    return text ? `_{${text}}` : "";
  }

  symbol(quantity, layer, indices = [], row = null) {
    const symbol = this.notation.symbols[quantity], { m, split } = this.world;
    if (quantity === "cost" || quantity === "row_cost") return quantity === "cost" || !split ? symbol.text : this.rowSign(quantity, row);
    if (symbol.of) {
      const ofRow = OF_ROW_COST.has(quantity);
      const inner = this.symbol(symbol.of, layer, indices, ofRow ? null : row);
      if (quantity === "slope") return `${symbol.text}(${inner})`;
      const cost = this.notation.symbols.cost.text;
      const head = ofRow && m > 1 && row !== null ? symbol.text.replace(`${cost}/`, `${this.rowSign("cost", row)}/`) : symbol.text;
      return head + inner;
    }
    let above = layer === null ? "" : this.layer(layer, symbol.shift), before = [];
    if (HAS_ROW.has(quantity) && m > 1 && row !== null) {
      const number = this.count(row);
      if (this.notation.row === "superscript") {
        const inside = number === "i" ? "x" : `x${number}`;
        above = above ? `${inside},${above}` : inside;
      } else if (this.notation.row === "after") above += `(${number})`;
      else before = [number];
    }
    return symbol.text + (above ? `^{${above}}` : "") + this.below(before, symbol.extra, indices);
  }

  layer([letter, offset], shift) {
    const style = this.notation.layers;
    let text;
    if (typeof letter === "number") {
      const number = letter + offset + shift;
      text = style === "from-output" ? (number === this.world.L ? "L" : `L-${this.world.L - number}`) : String(number);
    } else {
      const o = offset + shift;
      text = letter + (o ? (o > 0 ? `+${o}` : `${o}`) : "");
    }
    return style === "plain" ? text : `(${text})`;
  }

  bind(node, letters, row) {
    const [, quantity, layer, indices] = node;
    return {
      quantity,
      layer: layer && place(layer, letters),
      indices: indices.map((i) => (typeof i === "number" ? i : letters[i])),
      row,
    };
  }

  terms(node, letters, row) {
    if (node[0] === "rows") return Array.from({ length: this.world.m }, (_, i) => [{ ...letters, [node[1]]: i }, i]);
    return this.world.neurons(place(node[2], letters)).map((j) => [{ ...letters, [node[1]]: j }, row]);
  }

  evaluate(node, letters, row) {
    const [kind, ...rest] = node;
    if (kind === "num") return rest[0];
    if (kind === "name") return this.world.names[rest[0]];
    if (kind === "at") return this.world.look(this.bind(node, letters, row));
    if (kind === "sum" || kind === "rows") return total(this.terms(node, letters, row).map(([inner, r]) => this.evaluate(node.at(-1), inner, r)));
    if (kind === "call") return call(rest[0], rest.slice(1).map((part) => this.evaluate(part, letters, row)));
    const [p, q] = rest.map((part) => this.evaluate(part, letters, row));
    return { "+": p + q, "-": p - q, "*": p * q, "/": p / q, "**": p ** q, neg: -p }[kind];
  }

  symbols(node, letters, row) {
    return this.signs(node, letters, new Set(), row)[0];
  }

  signs(node, letters, free, row) {
    const [kind, ...rest] = node;
    if (kind === "num") return [this.figure(rest[0]), ATOM];
    if (kind === "name") return [this.notation.names[rest[0]][0], ATOM];
    if (kind === "at") {
      const [quantity, layer, indices] = rest;
      const placed = indices.map((i) => (typeof i === "number" || free.has(i) ? i : letters[i] ?? i));
      const at = layer && [typeof layer[0] === "number" ? layer[0] : letters[layer[0]] ?? layer[0], layer[1]];
      if (quantity === "w" || quantity === "row_cost") return [quantity === "w" ? this.rowSign("w", row) : this.symbol("row_cost", null, [], row), ATOM];
      const text = this.symbol(quantity, at, placed, row);
      const bound = typeof row !== "string" && indices.every((i) => !free.has(i));
      return [bound ? this.link(this.bind(node, letters, row), text) : text, ATOM];
    }
    const start = this.notation.counts_sums ? `=${this.notation.first}` : "";
    if (kind === "sum") return [`Σ_{${rest[0]}${start}} ` + this.child(this.signs(rest[2], letters, new Set([...free, rest[0]]), row), MULTIPLY), SUM];
    if (kind === "rows") {
      const letter = this.notation.row === "superscript" ? "x" : rest[0];
      return [`Σ_{${letter}} ` + this.child(this.signs(rest[1], letters, free, rest[0]), MULTIPLY), SUM];
    }
    if (kind === "call") return [this.called(rest[0], rest.slice(1).map((part) => this.signs(part, letters, free, row)[0]), true), ATOM];
    return this.arithmetic(kind, rest.map((part) => this.signs(part, letters, free, row)));
  }

  // `known` is the value of the one sum of a formula whose layer is not wholly in the page.
  numbers(node, letters, row, known) {
    return this.put(node, letters, row, known)[0];
  }

  put(node, letters, row, known) {
    const [kind, ...rest] = node;
    if (kind === "num" || kind === "name" || kind === "at") {
      const text = this.figure(this.evaluate(node, letters, row));
      const level = text.startsWith("−") ? ADD : ATOM;
      return [kind === "at" ? this.link(this.bind(node, letters, row), text) : text, level];
    }
    if (kind === "sum" || kind === "rows") return this.writtenOut(node, letters, row, known);
    if (kind === "call") return [this.called(rest[0], rest.slice(1).map((part) => this.put(part, letters, row, known)[0]), false), ATOM];
    return this.arithmetic(kind, rest.map((part) => this.put(part, letters, row, known)));
  }

  writtenOut(node, letters, row, known) {
    const terms = this.terms(node, letters, row), body = node.at(-1);
    const all = node[0] === "rows" ? terms.length : this.world.size(place(node[2], letters));
    let shown = terms.map((_, i) => i), rest = "";
    if (all > MOST_TERMS) {
      const values = terms.map(([inner, r]) => this.evaluate(body, inner, r));
      shown = [...shown].sort((p, q) => Math.abs(values[q]) - Math.abs(values[p]) || p - q).slice(0, MOST_TERMS - 1).sort((p, q) => p - q);
      const kept = new Set(shown);
      const sum = all > terms.length && known !== undefined ? known : total(values);
      const left = all > terms.length ? sum - total(shown.map((i) => values[i])) : total(values.filter((_, i) => !kept.has(i)));
      rest = `[${all - shown.length} more: ${this.figure(left)}]`;
    }
    const texts = shown.map((i) => this.child(this.put(body, terms[i][0], terms[i][1]), MULTIPLY));
    const joined = texts.reduce(plus);
    return rest ? [`${joined} + ${rest}`, ADD] : [joined, texts.length > 1 ? ADD : MULTIPLY];
  }

  called(name, parts, symbolic) {
    if (name.startsWith("named_")) return `${name.slice(6)}(${parts.join(", ")})`;
    const slope = name.endsWith("_slope"), word = name.replace(/_slope$/, "");
    const known = ["exp", "ln", "clip", "huber"].includes(name);
    const sign = known ? name : (symbolic ? this.notation.symbols.sigma.text : word.replaceAll("_", "-")) + (slope ? "′" : "");
    return `${sign}(${parts.join(", ")})`;
  }

  arithmetic(kind, [left, right]) {
    if (kind === "neg") return ["−" + this.child(left, MULTIPLY), ADD];
    if (kind === "+") return [plus(left[0], right[0]), ADD];
    if (kind === "-") return [`${left[0]} − ${this.child(right, SUM)}`, ADD];
    if (kind === "*") {
      const last = right[1] === SUM ? right[0] : this.child(right, MULTIPLY + 0.1);
      return [`${this.child(left, MULTIPLY)} · ${last}`, right[1] === SUM ? SUM : MULTIPLY];
    }
    if (kind === "/") return [`${this.child(left, MULTIPLY)} / ${this.child(right, MULTIPLY + 0.1)}`, MULTIPLY];
    return [`${this.child(left, POWER + 0.1)}^{${right[0]}}`, POWER];
  }

  child([text, level], least) {
    return level >= least ? text : `(${text})`;
  }

  link(point, text) {
    const at = this.world.address(point);
    return at ? `⟦${at}⟧${text}⟦⟧` : text;
  }
}

const place = ([letter, offset], letters) => (typeof letter === "number" ? letter : letters[letter]) + offset;

function plus(left, right) {
  const bare = right.replace(/⟦[^⟧]*⟧/g, "");
  if (!bare.startsWith("−")) return `${left} + ${right}`;
  return `${left} − ${right.replace("−", "")}`;
}

function call(named, parts) {
  const name = named.replace(/^named_/, "");
  if (name === "exp") return Math.exp(Math.min(parts[0], 709));
  if (name === "ln") return parts[0] > 0 ? Math.log(parts[0]) : -Infinity;
  if (name === "clip") return Math.min(Math.max(parts[0], -1), 1);
  if (name === "huber") return huber(parts[0]);
  const slope = name.endsWith("_slope"), activation = ACTIVATIONS[name.replace(/_slope$/, "").replaceAll("_", "-")];
  return slope ? activation.slope(parts[0], activation.value(parts[0])) : activation.value(parts[0]);
}
