// ---------------------------------------------------------------- from rows of a table to numbers

const DAY = 86400000000n; // microseconds

/**
 * The numbers that networks read for a row: a Float64Array.
 * Holes are null, undefined or NaN; dates are a Date, or text of ISO 8601, in UTC where it says
 * nothing else; durations are numbers of days.
 * @param row an object by the names of the columns, or an array in their order
 */
export function prepare(row) {
  const values = entries(row);
  return Float64Array.from(columns.flatMap((column, place) => {
    if (!column.encode) return [];
    try {
      return column.encode(isHole(values[place]) ? null : column.read(values[place])).map(Math.fround);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new TypeError(`${called(column, place)} ${error.message}`);
    }
  }));
}

const called = (column, place) => `column ${column.name === null ? place : JSON.stringify(column.name)}`;

const isHole = (value) => value === null || value === undefined || Number.isNaN(value);

function entries(row) {
  const listed = ArrayBuffer.isView(row) && !(row instanceof DataView) ? Array.from(row) : row;
  if (Array.isArray(listed)) {
    if (listed.length === columns.length) return listed;
    throw new TypeError(`expected a row of ${columns.length} entries; got ${listed.length}`);
  }
  if (inputs === null || typeof row !== "object" || row === null) {
    const what = inputs === null ? "an array" : "an object by the names of the columns, or an array";
    throw new TypeError(`expected ${what}; got ${shown(row)}`);
  }
  const unknown = Object.keys(row).find((name) => !inputs.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`there is no column ${JSON.stringify(unknown)}; there are ${inputs.join(", ")}`);
  }
  return columns.map((column, place) => {
    if (Object.hasOwn(row, column.name)) return row[column.name];
    if (!column.encode) return null;
    throw new TypeError(`${called(column, place)} is missing; write null where it is not known`);
  });
}

// ---- what entries are

function number(value) {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new TypeError(`must hold finite numbers or truth values; got ${shown(value)}`);
}

function duration(value) {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new TypeError(`must hold durations, as numbers of days; got ${shown(value)}`);
}

function text(value) {
  if (typeof value === "string") return value;
  throw new TypeError(`must hold text; got ${shown(value)}`);
}

// Numbers as the categories have them: 1 for 1.0, True, 1e-05
function mixed(value) {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`must hold text or finite numbers; got ${shown(value)}`);
  }
  if (Number.isInteger(value)) return String(BigInt(value));
  if (Math.abs(value) >= 1e-4) return String(value);
  return value.toExponential().replace(/e-(\d)$/, "e-0$1");
}

const ISO = new RegExp(
  "^([+-]?\\d{4,6})-(\\d\\d)-(\\d\\d)" +
  "(?:[T ](\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.](\\d{1,9}))?)?(Z|[+-]\\d\\d:?\\d\\d)?)?$");

// Microseconds since 1970 in UTC, as a BigInt: a double does not hold those of all centuries
function date(value) {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return BigInt(value.getTime()) * 1000n;
  const found = typeof value === "string" ? ISO.exec(value) : null;
  if (found) {
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map((each) => Number(each ?? 0));
    const at = new Date(0);
    at.setUTCFullYear(year, month - 1, day);
    if (at.getUTCMonth() === month - 1 && hour < 24 && minute < 60 && second < 60) {
      const zone = /^([+-])(\d\d):?(\d\d)$/.exec(found[8] ?? "");
      const ahead = zone ? Number(zone[1] + 1) * (60 * zone[2] + Number(zone[3])) : 0;
      at.setUTCHours(hour, minute - ahead, second);
      return BigInt(at.getTime()) * 1000n + BigInt((found[7] ?? "").padEnd(6, "0").slice(0, 6));
    }
  }
  const what = value instanceof Date ? "an invalid Date" : shown(value);
  throw new TypeError(`must hold dates: a Date, or text such as "2024-03-01T12:30"; got ${what}`);
}

// ---- what becomes of them; null is a hole

// z = scale (x - median), bent so that no outlier is louder than 3
function bent(x, { median, scale }) {
  let z = (x - median) * scale;
  z = Number.isNaN(z) ? 0 : Math.max(Math.min(z, 1e100), -1e100);
  const bend = z / 3;
  return z / Math.sqrt(bend * bend + 1);
}

function ofNumber(known) {
  const { indicator, edges } = known;
  return (x) => {
    const out = [x === null ? 0 : bent(x, known)];
    if (indicator) out.push(Number(x === null));
    for (let k = 0; k + 1 < edges.length; k++) {
      const inside = x === null ? 0.5 : (x - edges[k]) / (edges[k + 1] - edges[k]);
      out.push(Math.max(Math.min(inside * 2 - 1, 1), -1));
    }
    return out;
  };
}

// 1 for the category that it is, or -1 and 1 for two; 0 where it is missing or was never seen
function ofCategory({ categories, signed, inputs }) {
  const places = new Map(categories.map((each, place) => [each, place]));
  return (value) => {
    const place = value === null ? -1 : places.get(value) ?? -1;
    const plain = signed
      ? [place < 0 ? 0 : 2 * place - 1]
      : categories.map((_, each) => Number(each === place));
    return inputs.length ? plain.map((each, k) => bent(each, inputs[k])) : plain;
  };
}

const floor = (a, b) => (a - (((a % b) + b) % b)) / b;

// The days since the first date, and the month, the day of the week (Monday is 0) and the hour
function ofDate({ begin, days, parts }) {
  const encodeDays = ofNumber(days), encoders = parts.map((part) => part && ofCategory(part));
  return (at) => {
    const day = at === null ? 0 : Number(floor(at, DAY));
    const calendar = at === null ? [null, null, null] : [
      new Date(86400000 * day).getUTCMonth() + 1,
      (((day + 3) % 7) + 7) % 7, // 1970 began on a Thursday
      Number(floor(at, 3600000000n) - 24n * BigInt(day)),
    ];
    const encoded = encodeDays(at === null ? null : Number(at - begin) / Number(DAY));
    return encoded.concat(...encoders.map((encode, k) => encode ? encode(calendar[k]) : []));
  };
}
