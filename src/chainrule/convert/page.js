// ---------------------------------------------------------------- the page

const [network] = networks;
const L = network.layers.length; // layers above the input, which is layer 1 of the book
const state = { x: PAGE.inputs.map((each) => each.start), target: PAGE.target.start, at: [1, 0] };
let traced, figure;

const $ = (id) => document.getElementById(id);
const SUB = "₀₁₂₃₄₅₆₇₈₉";
const sub = (n) => String(n).replace(/\d/g, (digit) => SUB[digit]);

function make(parent, tag, attributes = {}, text = null) {
  const isSvg = parent.namespaceURI.endsWith("svg") || tag === "svg";
  const made = document.createElementNS(isSvg ? "http://www.w3.org/2000/svg" : parent.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

// Three digits; a true minus
function short(value, digits = 3) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e5
    ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
  return text.replace("e+", "e").replaceAll("-", "−");
}

function brief(value) { // for a circle
  const size = Math.abs(value);
  if (size >= 9999.5) return short(value, 1);
  return short(Number(value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0)), 4);
}

const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function number(cell, value, kind) { // what a program can read to the last digit
  if (value === null) cell.textContent = "–";
  else make(cell, "data", { value, class: kind }, short(value));
}

const nameOf = (l, j) =>
  l === 0 ? PAGE.inputs[j].name : l === L ? PAGE.outputs[j].name : `neuron ${j + 1}`;

// ---- targets, as they are learned: in no units, one for each output

function targets() {
  const { of, low, classes } = PAGE.target;
  if (classes) {
    const own = state.target[0];
    return of.length === 1 ? [own ? 1 : low] : of.map((_, j) => j === own ? 1 : low);
  }
  const { outputScaling } = network;
  return of.map((t) => {
    const first = of.indexOf(t), y = state.target[t];
    return outputScaling ? (y - outputScaling.shift[first]) / outputScaling.scale[first] : y;
  });
}

// ---- controls

function control(parent, { name, low, high }, get, set) {
  const row = make(parent, "div", { class: "control" }), label = make(row, "label", {}, name);
  const id = `c${document.querySelectorAll(".control").length}`;
  label.setAttribute("for", id);
  label.title = name;
  const field = make(row, "input", { type: "number", step: "any", "aria-label": `${name}, exactly` });
  const slider = make(row, "input", { id, type: "range", min: low, max: high, step: "any" });
  const show = () => {
    slider.value = get();
    if (document.activeElement !== field) field.value = Number(get().toPrecision(6));
  };
  slider.addEventListener("input", () => { set(slider.valueAsNumber); update(); });
  field.addEventListener("input", () => {
    if (Number.isFinite(field.valueAsNumber)) { set(field.valueAsNumber); update(); }
  });
  for (const each of [slider, field]) each.addEventListener("change", remember);
  field.addEventListener("blur", show);
  return show;
}

const controls = PAGE.inputs.map((input, k) =>
  control($("inputs"), input, () => state.x[k], (value) => { state.x[k] = value; }));

if (PAGE.target.classes) {
  const row = make($("targets"), "div", { class: "control" });
  make(row, "label", { for: "target" }, "y, the class it should be");
  const choice = make(row, "select", { id: "target" });
  PAGE.target.classes.forEach((name, place) => make(choice, "option", { value: place }, name));
  choice.addEventListener("change", () => { state.target[0] = Number(choice.value); update(); remember(); });
  controls.push(() => { choice.value = state.target[0]; });
} else {
  PAGE.target.ranges.forEach((range, t) => controls.push(control(
    $("targets"), range, () => state.target[t], (value) => { state.target[t] = value; })));
}
if (PAGE.reason) $("targets").replaceChildren(Object.assign(document.createElement("p"), { textContent: PAGE.reason }));

else $("bp1").textContent = `, here ${COSTS[PAGE.cost.name].text}`;

// ---- the outputs

const bars = PAGE.outputs.map(({ name }) => {
  const row = make($("outputs"), "div", { class: "output" });
  make(row, "span", { class: "name", title: name }, name);
  const said = make(row, "span", { class: "said" });
  const bar = make(make(row, "div", { class: "track" }), "div", { class: "bar" });
  return { row, said, bar };
});

function showOutputs(a) {
  const outputs = scaled(a, network.outputScaling);
  const best = outputs.indexOf(Math.max(...outputs));
  bars.forEach(({ row, said, bar }, j) => {
    const { low, high } = PAGE.outputs[j], zero = Math.min(Math.max(0, low), high);
    const at = (value) => 100 * (Math.min(Math.max(value, low), high) - low) / (high - low);
    said.replaceChildren();
    number(said, outputs[j], "output");
    bar.style.left = `${Math.min(at(zero), at(outputs[j]))}%`;
    bar.style.width = `${Math.abs(at(outputs[j]) - at(zero))}%`;
    bar.classList.toggle("negative", outputs[j] < 0);
    row.classList.toggle("best", PAGE.names !== null && bars.length > 1 && j === best);
  });
  if (PAGE.names) {
    const place = bars.length > 1 ? best : Number(outputs[0] > PAGE.threshold);
    $("answer").textContent = PAGE.names[place];
  }
  $("cost").replaceChildren();
  if (traced.value !== null) {
    make($("cost"), "span", {}, `C = `);
    number($("cost"), traced.value, "cost");
  }
}

// ---- the picture

const pen = document.createElement("canvas").getContext("2d");

function widthOf(text) {
  pen.font = "12px system-ui, sans-serif"; // as page.css has it
  return pen.measureText(text).width;
}

function fitted(text, room) {
  let shown = text;
  for (let n = text.length; n > 1 && widthOf(shown) > room; n--) shown = cut(text, n - 1);
  return shown;
}

function draw() {
  const width = Math.max($("figure").clientWidth, 260), sizes = PAGE.sizes;
  const room = Math.min(160, Math.max(52, 0.2 * width)); // for names, at either side
  const [left, right] = [PAGE.inputs, PAGE.outputs].map((named) =>
    Math.min(room, Math.max(...named.map(({ name }) => widthOf(name)))) + 10);
  const many = Math.max(...sizes), step = Math.max(32, Math.min(64, 440 / many));
  const apart = (width - left - right) / (L + 1); // half of it stands at either end
  const r = Math.max(7, Math.min(22, step / 2 - 5, apart / 2 - 4));
  const begin = left + Math.min(apart / 2, r + 4), end = width - right - Math.min(apart / 2, r + 4);
  const titles = ["input", ...PAGE.layers];
  const lines = Math.min(4, Math.ceil((Math.max(...titles.map(widthOf)) + 8) / ((end - begin) / L)));
  const top = 14 * lines + 12, height = top + many * step + 8;
  const place = (l, j) => [
    begin + (end - begin) * l / L, top + (many - sizes[l]) * step / 2 + (j + 0.5) * step];
  const svg = make($("figure"), "svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label":
      "The network, a column for each layer. Arrow keys go from neuron to neuron.",
  });
  const edges = [], neurons = [], under = make(svg, "g"), over = make(svg, "g");
  network.layers.forEach(({ weights }, i) => {
    const most = weights.reduce((a, w) => Math.max(a, Math.abs(w)), 0) || 1, n = sizes[i];
    edges.push(Array.from(weights, (w, at) => {
      const j = Math.floor(at / n), k = at % n, [x1, y1] = place(i, k), [x2, y2] = place(i + 1, j);
      const size = Math.abs(w) / most, line = { x1, y1, x2, y2 };
      const seen = make(under, "line", {
        ...line, class: `edge ${w < 0 ? "negative" : "positive"}`,
        "stroke-width": 0.4 + 4.2 * size, "stroke-opacity": 0.25 + 0.6 * size,
      });
      const touch = make(under, "line", { ...line, class: "touch" });
      for (const event of ["pointerenter", "click"]) touch.addEventListener(event, () => look([i + 1, j], k));
      touch.addEventListener("pointerleave", () => mark(null));
      return seen;
    }));
  });
  sizes.forEach((n, l) => {
    const [x] = place(l, 0);
    const title = make(svg, "text", { x, y: 10 + 14 * (l % lines), class: "layer" }, titles[l]);
    make(title, "title", {}, `layer ${l + 1}`);
    neurons.push(Array.from({ length: n }, (_, j) => {
      const [cx, cy] = place(l, j);
      const g = make(over, "g", { class: "neuron", role: "button", tabindex: -1 });
      make(g, "circle", { cx, cy, r, class: "ground" });
      const fill = make(g, "circle", { cx, cy, r, class: "fill" });
      const text = make(g, "text", { x: cx, y: cy, class: "value", style: `font-size: ${r > 19 ? 12 : r > 15 ? 10 : 9}px` });
      if (r < 12) text.setAttribute("visibility", "hidden");
      if (l === 0 || l === L) {
        const name = nameOf(l, j), shown = fitted(name, (l ? right : left) - 10);
        const label = make(g, "text", {
          x: l ? cx + r + 6 : cx - r - 6, y: cy, class: `name ${l ? "" : "left"}`,
        }, shown);
        make(label, "title", {}, name);
      }
      g.addEventListener("pointerenter", () => look([l, j]));
      g.addEventListener("click", () => look([l, j]));
      g.addEventListener("focus", () => look([l, j]));
      g.addEventListener("keydown", (event) => walk(event, l, j));
      return { g, fill, text };
    }));
  });
  return { edges, neurons };
}

function walk(event, l, j) {
  const [dl, dj] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [0, 0];
  const layer = figure.neurons[l + dl];
  if (!(dl || dj) || !layer) return;
  event.preventDefault();
  layer[Math.min(Math.max(j + dj, 0), layer.length - 1)].g.focus();
}

// How strongly a neuron is coloured, from -1 to 1
function strength(l, j, a) {
  if (l === 0) {
    const { low, high } = PAGE.inputs[j];
    return Math.max(-1, Math.min(1, 2 * (state.x[j] - low) / (high - low) - 1));
  }
  return a[j] / Math.max(1, ...a.map(Math.abs));
}

function colour() {
  figure.neurons.forEach((layer, l) => layer.forEach(({ g, fill, text }, j) => {
    const { z, a, delta } = traced.layers[l], s = strength(l, j, a);
    fill.setAttribute("class", `fill ${s < 0 ? "negative" : "positive"}`);
    fill.setAttribute("fill-opacity", Math.abs(s));
    text.setAttribute("class", `value ${Math.abs(s) > 0.55 ? "inverse" : ""}`);
    text.textContent = brief(l ? a[j] : state.x[j]);
    const values = l === 0 ? `x ${short(state.x[j])}` : `z ${short(z[j])}, a ${short(a[j])}`;
    const told = delta ? `, δ ${short(delta[j])}` : "";
    g.setAttribute("aria-label", `${nameOf(l, j)}, layer ${l + 1}: ${values}${told}`);
  }));
}

// ---- one neuron, or the edge to it from neuron k below

function look(at, k = null) {
  state.at = at;
  detail();
  mark(k);
}

function mark(k) {
  const [l, j] = state.at;
  figure.neurons.flat().forEach(({ g }) => { g.classList.remove("on"); g.setAttribute("tabindex", -1); });
  figure.neurons[l][j].g.classList.add("on");
  figure.neurons[l][j].g.setAttribute("tabindex", 0);
  figure.edges.forEach((edges, i) => edges.forEach((edge, at) => {
    const n = PAGE.sizes[i], to = Math.floor(at / n);
    const touches = i + 1 === l ? to === j && (k === null || at % n === k) : i === l && l === 0 && at % n === j;
    edge.classList.toggle("on", touches);
  }));
  document.querySelectorAll("#row tr").forEach((row, at) => row.classList.toggle("on", at === k));
}

function detail() {
  const [l, j] = state.at, { z, a, delta } = traced.layers[l], is = make;
  const into = l ? network.layers[l - 1] : null;
  $("who").textContent = `${nameOf(l, j)}, layer ${l + 1}`;
  $("sums").replaceChildren();
  $("row").replaceChildren();
  $("rows").hidden = l === 0;
  const say = (text, value, kind) => {
    const line = is($("sums"), "div");
    is(line, "dt", {}, text);
    number(is(line, "dd"), value, kind);
  };
  if (l === 0) {
    say("x", state.x[j], "x");
    say(network.scaling ? "a = scale·x + shift" : "a = x", a[j], "a");
    return;
  }
  const below = traced.layers[l - 1].a, n = below.length;
  say("b", into.biases[j], "b");
  say("z = Σ w a + b", z[j], "z");
  say(`a = ${into.activation === "softmax" ? "eᶻ/Σeᶻ" : "σ(z)"}`, a[j], "a");
  if (delta) {
    say(l === L ? "δ (BP1)" : "δ (BP2)", delta[j], "delta");
    say("∂C/∂b = δ (BP3)", delta[j], "db");
  }
  for (let k = 0; k < n; k++) {
    const row = make($("row"), "tr"), w = into.weights[j * n + k];
    make(row, "th", { scope: "row", title: nameOf(l - 1, k) }, cut(nameOf(l - 1, k), 24));
    number(make(row, "td"), w, "w");
    number(make(row, "td"), below[k], "below");
    number(make(row, "td"), w * below[k], "wa");
    number(make(row, "td"), delta ? below[k] * delta[j] : null, "dw");
  }
}

// ---- every neuron

function table() {
  $("all").replaceChildren();
  traced.layers.forEach(({ z, a, delta }, l) => a.forEach((_, j) => {
    const row = make($("all"), "tr");
    if (j === 0) make(row, "th", { scope: "rowgroup", rowspan: a.length }, String(l + 1));
    make(row, "th", { scope: "row", title: nameOf(l, j) }, cut(nameOf(l, j), 24));
    for (const [kind, values] of [["z", z], ["a", a], ["delta", delta]]) {
      number(make(row, "td"), values ? values[j] : null, kind);
    }
  }));
}

function update() {
  traced = trace(network, state.x, PAGE.cost, targets());
  for (const show of controls) show();
  showOutputs(traced.layers[L].a);
  colour();
  detail();
  table();
}

// ---- the address says which input it is: #x=1,2&target=0

function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  const numbers = (name) => (said.get(name) ?? "").split(",").map((each) => each.trim() === "" ? NaN : Number(each));
  const x = numbers("x"), target = numbers("target");
  if (x.length === state.x.length && x.every(Number.isFinite)) state.x = x;
  const { classes } = PAGE.target;
  const isClass = !classes || (Number.isInteger(target[0]) && target[0] >= 0 && target[0] < classes.length);
  if (target.length === state.target.length && target.every(Number.isFinite) && isClass) state.target = target;
}

function remember() {
  if (location.protocol === "about:") return; // a page within another has no address of its own
  history.replaceState(null, "", `#x=${state.x.join(",")}&target=${state.target.join(",")}`);
}

function redraw() {
  $("figure").replaceChildren();
  figure = draw();
  colour();
  mark(null);
}

recall();
traced = trace(network, state.x, PAGE.cost, targets());
figure = draw();
state.at = [Math.min(1, L), 0];
update();
mark(null);
window.addEventListener("hashchange", () => { recall(); update(); });
let drawn = $("figure").clientWidth;
new ResizeObserver(() => {
  if ($("figure").clientWidth !== drawn) { drawn = $("figure").clientWidth; redraw(); }
}).observe($("figure"));
