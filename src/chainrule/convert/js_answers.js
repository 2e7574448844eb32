// ---------------------------------------------------------------- questions and answers

// The numbers (n_in,) that networks read, all finite
function numbers(x) {
  const isList = Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));
  if (!isList || x.length !== INPUTS) {
    const what = isList ? `${x.length} numbers` : shown(x);
    throw new TypeError(`expected an array of ${INPUTS} numbers; got ${what}`);
  }
  for (let k = 0; k < x.length; k++) {
    if (!Number.isFinite(x[k])) { // nor is what is no number
      throw new TypeError(`expected finite numbers; x[${k}] is ${shown(x[k])}`);
    }
  }
  return x;
}

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** What the networks say of n_in numbers: a Float64Array of the outputs. */
export function feedforward(x) {
  const given = numbers(x);
  if (networks.length === 1) return said(networks[0], given);
  const total = new Float64Array(OUTPUTS);
  for (const network of networks) {
    said(network, given).forEach((each, j) => { total[j] += network.share * each; });
  }
  return total;
}

function classOf(outputs) {
  let best = 0;
  if (OUTPUTS === 1) best = Number(outputs[0] > THRESHOLD);
  else outputs.forEach((each, j) => { if (each > outputs[best]) best = j; });
  return classes[best];
}

// p^(1/T), whose sum is 1; of 0 the logarithm is that of the least number there is
function tempered(p, temperature, least) {
  return softmax(p.map((each) => Math.log(Math.max(each, least)) / temperature));
}

// Whether numbers are those that are expected: the largest deviation, as a share of what may be
function deviation(got, expected, within) {
  if (got.length !== expected.length) return Infinity;
  let worst = 0;
  for (let k = 0; k < expected.length; k++) {
    const apart = Math.abs(got[k] - expected[k]);
    worst = apart === 0 ? worst : apart <= within[k] ? Math.max(worst, apart / within[k]) : Infinity;
  }
  return worst;
}

/**
 * Hold the module against numbers of the network that it was written from.
 * Returns the largest deviation as a share of what rounding allows; throws an Error above 1.
 */
export function selfTest() {
  let worst = 0;
  for (const { given, prepared, expected, within } of VECTORS) {
    const x = prepared ? prepare(given) : given;
    if (prepared && deviation(x, prepared, prepared.map(() => 0)) > 0) {
      throw new Error(`the row ${JSON.stringify(given)} is not prepared as it was: ${x}`);
    }
    worst = Math.max(worst, deviation(feedforward(x), expected, within));
    if (worst > 1) throw new Error(`of ${given} came ${feedforward(x)}; expected ${expected}`);
  }
  return worst;
}
