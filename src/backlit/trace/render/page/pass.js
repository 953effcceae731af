// One pass there and back in float64, the same equations as backlit's: feed forward, BP1, BP2, BP3, BP4, penalty.
// A network is {sizes, activations, W: {l: [[…]]}, b: {l: […]}}; everything is kept by layer number, rows first.

const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

// Φ, the standard normal distribution: a series of positive terms near 0, a continued fraction in the tails.
function normal(z) {
  const x = Math.abs(z) / Math.SQRT2;
  let tail;
  if (x < 3) {
    let term = x, sum = x;
    for (let n = 1; n < 200 && term > sum * 1e-17; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    tail = (1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum) / 2;
  } else {
    let f = x;
    for (let n = 120; n > 0; n--) f = x + n / 2 / f;
    tail = Math.exp(-x * x) / Math.sqrt(Math.PI) / f / 2;
  }
  return z > 0 ? 1 - tail : tail;
}

const ACTIVATIONS = {
  identity: { value: (z) => z, slope: () => 1 },
  sigmoid: { value: sigmoid, slope: (z, a) => a * (1 - a) },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  relu: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  "leaky-relu": { value: (z) => Math.max(z, 0.01 * z), slope: (z) => (z > 0 ? 1 : 0.01) },
  elu: { value: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z) => Math.exp(Math.min(z, 0)) },
  gelu: {
    value: (z) => z * normal(z),
    slope: (z) => normal(z) + (z * Math.exp(-0.5 * Math.min(Math.abs(z), 1e3) ** 2)) / Math.sqrt(2 * Math.PI),
  },
  silu: { value: (z) => z * sigmoid(z), slope: (z, a) => sigmoid(z) + a * (1 - sigmoid(z)) },
  softplus: { value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), slope: sigmoid },
  exponential: {
    value: (z) => Math.exp(Math.min(z, Math.log(Number.MAX_VALUE) - 24 * Math.LN2)),
    slope: (z, a) => a,
  },
};

const xlog = (y, a) => (y === 0 ? 0 : y * Math.log(a));
const total = (values) => values.reduce((sum, v) => sum + v, 0);

const COSTS = {
  quadratic: { value: (a, y) => 0.5 * total(a.map((v, j) => (v - y[j]) ** 2)), gradient: (a, y) => a.map((v, j) => v - y[j]) },
  mse: {
    value: (a, y) => total(a.map((v, j) => (v - y[j]) ** 2)) / a.length,
    gradient: (a, y) => a.map((v, j) => (2 / a.length) * (v - y[j])),
  },
  "binary-cross-entropy": {
    value: (a, y) => -total(a.map((v, j) => xlog(y[j], v) + xlog(1 - y[j], 1 - v))),
    gradient: (a, y) => a.map((v, j) => (v - y[j]) / (v * (1 - v))),
  },
  "cross-entropy": { value: (a, y) => -total(a.map((v, j) => xlog(y[j], v))), gradient: (a, y) => a.map((v, j) => -y[j] / v) },
  huber: {
    value: (a, y) => total(a.map((v, j) => huber(v - y[j]))),
    gradient: (a, y) => a.map((v, j) => Math.min(Math.max(v - y[j], -1), 1)),
  },
  poisson: { value: (a, y) => total(a.map((v, j) => v - xlog(y[j], v))), gradient: (a, y) => a.map((v, j) => 1 - y[j] / v) },
};

function huber(e) {
  return Math.abs(e) <= 1 ? 0.5 * e * e : Math.abs(e) - 0.5;
}

const FUSED_COSTS = {
  "cross-entropy"(z, a, y) {
    const top = Math.max(...z);
    const log = Math.log(total(z.map((v) => Math.exp(v - top))));
    return total(z.map((v, j) => y[j] * (log - (v - top))));
  },
  "binary-cross-entropy": (z, a, y) => total(z.map((v, j) => Math.max(v, 0) - y[j] * v + Math.log1p(Math.exp(-Math.abs(v))))),
  poisson: (z, a, y) => total(z.map((v, j) => a[j] - y[j] * v)),
};

function softmax(z) {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  const sum = total(e);
  return e.map((v) => v / sum);
}

// δ W: what the errors of a layer say to each activation before it.
function through(delta, W, fanIn) {
  const back = new Array(fanIn).fill(0);
  delta.forEach((d, p) => W[p].forEach((w, j) => (back[j] += d * w)));
  return back;
}

function onePass(net, objective, X, Y, weights) {
  const L = net.sizes.length, m = X.length;
  const layers = Array.from({ length: L - 1 }, (_, i) => i + 2);
  const pass = { z: {}, a: { 1: X }, slope: {}, dC_da: {}, delta: {}, weight_gradient: {}, bias_gradient: {} };
  for (const l of layers) {
    const { W, b } = { W: net.W[l], b: net.b[l] }, name = net.activations[l - 2];
    pass.z[l] = pass.a[l - 1].map((a) => W.map((row, j) => total(row.map((w, k) => w * a[k])) + b[j]));
    pass.a[l] = pass.z[l].map((z) => (name === "softmax" ? softmax(z) : z.map(ACTIVATIONS[name].value)));
    if (name !== "softmax") pass.slope[l] = pass.z[l].map((z, i) => z.map((v, j) => ACTIVATIONS[name].slope(v, pass.a[l][i][j])));
  }
  const cost = COSTS[objective.cost], a = pass.a[L], z = pass.z[L];
  pass.row_costs = a.map((v, i) => (objective.fused ? FUSED_COSTS[objective.cost](z[i], v, Y[i]) : cost.value(v, Y[i])));
  pass.dC_da[L] = a.map((v, i) => cost.gradient(v, Y[i]));
  pass.delta[L] = a.map((v, i) => {
    if (objective.fused) return v.map((p, j) => p - Y[i][j]);
    const error = pass.dC_da[L][i];
    if (pass.slope[L]) return error.map((e, j) => e * pass.slope[L][i][j]);
    const mean = total(error.map((e, j) => e * v[j]));
    return v.map((p, j) => p * (error[j] - mean));
  });
  for (let l = L; l > 1; l--) {
    pass.dC_da[l - 1] = pass.delta[l].map((d) => through(d, net.W[l], net.sizes[l - 2]));
    if (l > 2) pass.delta[l - 1] = pass.dC_da[l - 1].map((e, i) => e.map((v, j) => v * pass.slope[l - 1][i][j]));
  }
  let squares = 0;
  for (const l of layers) {
    const share = weights.map((w) => w / m), shrink = objective.l2 / objective.n;
    pass.bias_gradient[l] = net.b[l].map((_, j) => total(share.map((s, i) => s * pass.delta[l][i][j])));
    pass.weight_gradient[l] = net.W[l].map((row, j) => {
      return row.map((w, k) => total(share.map((s, i) => s * pass.delta[l][i][j] * pass.a[l - 1][i][k])) + shrink * w);
    });
    squares += total(net.W[l].map((row) => total(row.map((w) => w * w))));
  }
  const data = total(pass.row_costs.map((c, i) => c * weights[i])) / m, penalty = (objective.l2 / (2 * objective.n)) * squares;
  pass.cost = { data, penalty, total: data + penalty };
  pass.squares = squares;
  return pass;
}
