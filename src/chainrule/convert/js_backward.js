// ---------------------------------------------------------------- what a network learns by

const normalSlope = (z) => { // Phi(z) + z phi(z)
  const x = Math.min(Math.abs(z), 40), q = tail(x);
  return (z > 0 ? 1 - q : q) + gaussian(x) * Math.sign(z) * x * 0.39894228040143267794;
};

function swishSlope(z, p) {
  const s = sigmoid(p * z);
  return s * (1 + p * z * sigmoid(-p * z));
}

function mishSlope(z) { // t + z (1 - t^2)/(1 + e^-z) with t = tanh(ln(1 + e^z)), as in mish
  const e = Math.exp(-Math.abs(z)), n = z < 0 ? e * (e + 2) : 1 + 2 * e;
  const d = n + (z < 0 ? 2 : 2 * e * e);
  return (n + 4 * z * (1 + e) / d * (z < 0 ? e : e * e)) / d;
}

const SLOPES = { // sigma'(z), a = sigma(z); a step has none
  sigmoid: (z, a) => a * (1 - a),
  tanh: (z, a) => (1 - a) * (1 + a),
  relu: (z, a) => a > 0 ? 1 : 0,
  leaky_relu: (z, a, p) => z > 0 ? 1 : p,
  elu: (z, a, p) => z > 0 ? 1 : p * Math.exp(z),
  selu: (z) => 1.05070098735548049342 * (z > 0 ? 1 : 1.67326324235437728482 * Math.exp(z)),
  softplus: (z) => sigmoid(z),
  gelu: (z) => normalSlope(z),
  swish: (z, a, p) => swishSlope(z, p),
  mish: (z) => mishSlope(z),
  softsign: (z) => 1 / (1 + Math.abs(z)) / (1 + Math.abs(z)),
  hard_sigmoid: (z, a) => a > 0 && a < 1 ? 1 / 6 : 0,
  exponential: (z, a) => a,
  identity: () => 1,
};

// gradient <- gradient times sigma'(z); a softmax mixes its outputs: a_j (g_j - sum_k a_k g_k)
function pullBack({ activation, parameter }, { z, a }, gradient) {
  if (activation === "softmax") {
    const mean = gradient.reduce((sum, g, k) => sum + g * a[k], 0);
    return gradient.map((g, j) => a[j] * (g - mean));
  }
  return gradient.map((g, j) => g * SLOPES[activation](z[j], a[j], parameter));
}

const softplus = ACTIVATIONS.softplus;
const sumOf = (array, term) => Array.from(array).reduce((sum, each, j) => sum + term(each, j), 0);

// ln(a) of a softmax
function logarithms(z) {
  const top = Math.max(...z), rest = Math.log(sumOf(z, (each) => Math.exp(each - top)));
  return Array.from(z, (each) => each - top - rest);
}

const smoothed = (y, s) => y.map((each) => (1 - s) * each + s / y.length);

// value: the cost C of a sample; gradient: dC/da; delta: dC/dz, of a cost for one kind of output.
// y are the targets, one for each output, p the parameters of the cost.
const COSTS = {
  quadratic: {
    value: ({ a }, y) => sumOf(a, (each, j) => 0.5 * (y[j] - each) ** 2),
    gradient: (a, y) => a.map((each, j) => each - y[j]), text: "(a − y) ⊙ σ′(z)",
  },
  squared_error: {
    value: ({ a }, y) => sumOf(a, (each, j) => (y[j] - each) ** 2),
    gradient: (a, y) => a.map((each, j) => 2 * (each - y[j])), text: "−2(y − a) ⊙ σ′(z)",
  },
  absolute_error: {
    value: ({ a }, y) => sumOf(a, (each, j) => Math.abs(y[j] - each)),
    gradient: (a, y) => a.map((each, j) => Math.sign(each - y[j])), text: "sign(a − y) ⊙ σ′(z)",
  },
  huber: {
    value: ({ a }, y, [p]) => sumOf(a, (each, j) => {
      const r = Math.abs(y[j] - each);
      return r <= p ? 0.5 * r * r : p * (r - 0.5 * p);
    }),
    gradient: (a, y, [p]) => a.map((each, j) => Math.max(-p, Math.min(p, each - y[j]))),
    text: "(a − y, cut off at ±δ) ⊙ σ′(z)",
  },
  quantile: {
    value: ({ a }, y, p) => sumOf(a, (each, j) =>
      y[j] > each ? p[j] * (y[j] - each) : (1 - p[j]) * (each - y[j])),
    gradient: (a, y, p) => a.map((each, j) => y[j] > each ? -p[j] : y[j] < each ? 1 - p[j] : 0),
    text: "(−τ below the target, 1 − τ above) ⊙ σ′(z)",
  },
  hinge: {
    value: ({ a }, y) => sumOf(a, (each, j) => Math.max(0, 1 - y[j] * each)),
    gradient: (a, y) => a.map((each, j) => y[j] * each < 1 ? -y[j] : 0),
    text: "(−y where ya < 1, else 0) ⊙ σ′(z)",
  },
  cross_entropy: {
    value: ({ z }, y) => sumOf(z, (each, j) => softplus(each) - y[j] * each),
    delta: (a, y) => a.map((each, j) => each - y[j]), text: "a − y",
  },
  poisson: {
    value: ({ z, a }, y) => sumOf(a, (each, j) => each - y[j] * z[j]),
    delta: (a, y) => a.map((each, j) => each - y[j]), text: "a − y",
  },
  log_likelihood: {
    value: ({ z }, y, [s]) => {
      const t = smoothed(y, s), logs = logarithms(z);
      return sumOf(t, (each, j) => each === 0 ? 0 : -each * logs[j]);
    },
    delta: (a, y, [s]) => { const t = smoothed(y, s); return a.map((each, j) => each - t[j]); },
    text: "a − y",
  },
  gaussian: { // half of the outputs are means, half ln(variances)
    value: ({ a }, y) => sumOf(a.slice(0, a.length / 2), (mean, j) => {
      const s = a[a.length / 2 + j];
      return 0.5 * (s + (y[j] - mean) ** 2 * Math.exp(-s));
    }),
    delta: (a, y) => a.map((each, j) => {
      const n = a.length / 2;
      if (j < n) return (each - y[j]) * Math.exp(-a[n + j]);
      return 0.5 - 0.5 * (y[j] - a[j - n]) ** 2 * Math.exp(-each);
    }),
    text: "(μ − y)e⁻ˢ, and ½ − ½(y − μ)²e⁻ˢ for s = ln σ²",
  },
};

// z, a and delta of every layer of a network for x and targets y; delta is null without a cost
function trace(network, x, cost, y) {
  const layers = [{ z: null, a: scaled(x, network.scaling) }];
  for (const layer of network.layers) layers.push(fire(layer, layers[layers.length - 1].a));
  if (!cost) return { layers: layers.map((each) => ({ ...each, delta: null })), value: null };
  const { value, gradient, delta } = COSTS[cost.name], p = cost.parameters;
  const last = layers[layers.length - 1], top = network.layers[network.layers.length - 1];
  // BP1: delta^L = the gradient of C by a, times sigma'(z^L)
  last.delta = delta ? delta(last.a, y, p) : pullBack(top, last, gradient(last.a, y, p));
  for (let l = layers.length - 2; l > 0; l--) {
    // BP2: delta^l = (delta^(l+1) W^(l+1)) times sigma'(z^l)
    const { weights } = network.layers[l], above = layers[l + 1].delta, n = layers[l].a.length;
    const back = layers[l].a.map((_, k) => sumOf(above, (d, j) => d * weights[j * n + k]));
    layers[l].delta = pullBack(network.layers[l - 1], layers[l], back);
  }
  layers[0].delta = null;
  return { layers, value: value(last, y, p) };
}
