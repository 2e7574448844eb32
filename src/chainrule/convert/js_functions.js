// ---------------------------------------------------------------- what a network computes
// All numbers are doubles, each sum is taken in the order of its terms.

const sigmoid = (z) => z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z));

// e^(-x^2/2) for x >= 0: x^2 is split, since its rounding would grow in the power.
function gaussian(x) {
  const high = Math.fround(x);
  return Math.exp(-0.5 * high * high) * Math.exp(-0.5 * (x - high) * (x + high));
}

// Q(x) = 1 - Phi(x) = e^(-x^2/2) u P(u - 7/16) of the normal distribution for x >= 0, u = 1/(5 + x)
const TAIL = [
  -0.00075804545712216265651, 0.0045846240400022313793, 0.0027063782962932765412,
  -0.011653142660188332835, -0.0068364671026266109199, 0.019839133421875737584,
  0.01385392957747213355, -0.033423508816938868327, -0.023382529513665571003,
  0.064239017085356467374, 0.027664245135749419152, -0.13953249007645973645,
  0.023955130287787569643, 0.29186124312405276049, -0.36729942106042429151,
  -0.24057183109531379839, 1.4703051914056106675, -2.738967954965548568,
  3.4125154323960127378, -3.2614357719128643787, 2.5191166396838511332,
  -1.6105665056657956224, 0.8607598605188376828,
];

function tail(x) {
  const v = x / (5 + x) - 0.4375;
  let p = 0;
  for (const each of TAIL) p = p * v + each;
  return gaussian(x) * (p / (5 + x));
}

const elu = (z, alpha) => z < 0 ? alpha * Math.expm1(z) : z;

function mish(z) { // z tanh(ln(1 + e^z)), in which no power overflows and no sum cancels
  const e = Math.exp(-Math.abs(z)), n = z < 0 ? e * (e + 2) : 1 + 2 * e;
  return z * (n / (n + (z < 0 ? 2 : 2 * e * e)));
}

const ACTIVATIONS = { // a = sigma(z), p is the parameter
  sigmoid,
  tanh: Math.tanh,
  relu: (z) => z < 0 ? 0 : z,
  leaky_relu: (z, p) => z < 0 ? p * z : z,
  elu,
  selu: (z) => 1.05070098735548049342 * elu(z, 1.67326324235437728482),
  softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  gelu(z) {
    const x = Math.min(Math.abs(z), 40); // from here on Q is 0
    return z > 0 ? z - x * tail(x) : -x * tail(x);
  },
  swish: (z, p) => z * sigmoid(p * z),
  mish,
  softsign: (z) => z / (1 + Math.abs(z)),
  hard_sigmoid: (z) => z <= -3 ? 0 : z >= 3 ? 1 : (z + 3) / 6,
  exponential: Math.exp,
  identity: (z) => z,
  step: (z) => z > 0 ? 1 : 0,
};

function softmax(z) {
  const top = z.reduce((a, b) => Math.max(a, b)), e = z.map((each) => Math.exp(each - top));
  const sum = e.reduce((a, b) => a + b);
  return e.map((each) => each / sum);
}

// z^l and a^l of a layer for a^(l-1): z = W a + b
function fire({ weights, biases, activation, parameter }, a) {
  const z = new Float64Array(biases), n = a.length;
  for (let j = 0, at = 0; j < z.length; j++) {
    let sum = z[j];
    for (let k = 0; k < n; k++, at++) sum += weights[at] * a[k];
    z[j] = sum;
  }
  if (activation === "softmax") return { z, a: softmax(z) };
  const sigma = ACTIVATIONS[activation], fired = new Float64Array(z.length);
  for (let j = 0; j < z.length; j++) fired[j] = sigma(z[j], parameter);
  return { z, a: fired };
}

// scale x + shift, where there is a scaling
function scaled(x, scaling) {
  const a = new Float64Array(x);
  if (scaling === null) return a;
  for (let k = 0; k < a.length; k++) a[k] = scaling.scale[k] * a[k] + scaling.shift[k];
  return a;
}

// What a network says of x, layer by layer
function said(network, x) {
  let a = scaled(x, network.scaling);
  for (const layer of network.layers) a = fire(layer, a).a;
  return scaled(a, network.outputScaling);
}
