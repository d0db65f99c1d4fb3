// The controls: each shows one setting, and tells Python when it is changed.

const CHOICES = {
  learningRate: ["0.00001", "0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10"],
  activation: { tanh: "tanh", relu: "ReLU", sigmoid: "sigmoid", linear: "linear" },
  optimizer: { sgd: "SGD", momentum: "momentum", adam: "Adam" },
  regularization: { none: "none", L1: "L1", L2: "L2" },
  regularizationRate: ["0", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10"],
  problem: { classification: "classification", regression: "regression" },
};
const DATASETS = {
  classification: { circle: "circle", xor: "xor", gauss: "gauss", spiral: "spiral", three: "3 clouds", wheel: "wheel", own: "my own" },
  regression: { "reg-plane": "plane", "reg-gauss": "gauss" },
};
const UNITS = { noise: " %", percTrainData: " %", points: "", batchSize: "" };
const DROPOUTS = ["0", "0.1", "0.2", "0.3", "0.5"];

const byId = (id) => document.getElementById(id);
const entries = (choices) => (Array.isArray(choices) ? choices.map((one) => [one, one]) : Object.entries(choices));

function options(select, choices, value) {
  const known = entries(choices);
  if (!known.some(([key]) => Number(key) === Number(value) || key === value)) known.push([value, value]);
  select.replaceChildren(...known.map(([key, text]) => new Option(text, key)));
  select.value = known.find(([key]) => key === value || (value !== "" && Number(key) === Number(value)))[0];
}

export function listen(change) {
  for (const control of document.querySelectorAll("[data-key]")) {
    const { key } = control.dataset;
    const told = () => (control.type === "checkbox" ? String(control.checked) : control.value);
    control.addEventListener("change", () => change(key, told()));
    if (control.type === "range") control.addEventListener("input", () => showValue(control));
  }
}

function showValue(control) {
  const output = control.parentElement.querySelector(".value");
  if (output) output.textContent = control.value + UNITS[control.dataset.key];
}

export function show(state, change) {
  const { settings } = state;
  for (const control of document.querySelectorAll("[data-key]")) {
    const value = settings[control.dataset.key];
    if (control.type === "checkbox") control.checked = value === "true";
    else if (control.type === "range") control.value = value;
    else options(control, CHOICES[control.dataset.key], value);
    if (control.type === "range") showValue(control);
  }
  showDatasets(settings, change);
  showInputs(state, change);
  showLayers(state, change);
  for (const element of document.querySelectorAll("[data-control]")) element.hidden = state.hidden.includes(element.dataset.control);
  document.body.classList.toggle("no-text", settings.hideText === "true");
}

function showDatasets(settings, change) {
  const key = settings.problem === "regression" ? "regDataset" : "dataset";
  const place = byId("datasets");
  const kept = document.activeElement?.name === "dataset";
  const made = Object.entries(DATASETS[settings.problem]).map(([value, text]) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "dataset", value, checked: settings[key] === value });
    radio.addEventListener("change", () => change(key, value));
    label.append(radio, text);
    return label;
  });
  place.replaceChildren(place.firstElementChild, ...made);
  if (kept) place.querySelector(":checked")?.focus();
}

const INPUTS = [["x", "X₁"], ["y", "X₂"], ["xSquared", "X₁²"], ["ySquared", "X₂²"], ["xTimesY", "X₁X₂"], ["sinX", "sin X₁"], ["sinY", "sin X₂"]];

function showInputs(state, change) {
  const place = byId("inputs");
  if (!place.querySelector("input")) {
    for (const [key, text] of INPUTS) {
      const label = Object.assign(document.createElement("label"), { className: "check" });
      label.dataset.control = key;
      const box = Object.assign(document.createElement("input"), { type: "checkbox" });
      box.dataset.input = key;
      box.addEventListener("change", () => change(key, String(box.checked)));
      label.append(box, text);
      place.append(label);
    }
  }
  for (const box of place.querySelectorAll("input")) box.checked = state.settings[box.dataset.input] === "true";
}

// [neurons, activation, dropout] of each hidden layer.
function layersOf({ networkShape, activation, activations, dropout }) {
  const list = (text) => (text ? text.split(",") : []);
  return list(networkShape).map((neurons, i) => [Number(neurons), list(activations)[i] ?? activation, list(dropout)[i] ?? "0"]);
}

function showLayers(state, change) {
  const layers = layersOf(state.settings);
  const sizes = layers.map(([neurons]) => neurons);
  byId("layer-count").textContent = `${sizes.length} hidden layer${sizes.length === 1 ? "" : "s"}`;
  byId("fewer-layers").disabled = !sizes.length;
  byId("more-layers").disabled = sizes.length === 6;
  byId("fewer-layers").onclick = () => change("networkShape", sizes.slice(0, -1).join(","));
  byId("more-layers").onclick = () => change("networkShape", [...sizes, 2].join(","));
  const focused = document.activeElement?.getAttribute("aria-label");
  byId("layers").hidden = !sizes.length;
  const body = byId("layers").tBodies[0];
  body.replaceChildren(...layers.map((layer, i) => layerRow(layers, layer, i, change)));
  if (focused) body.querySelector(`[aria-label="${focused}"]`)?.focus();
}

function layerRow(layers, [neurons, activation, dropout], i, change) {
  const row = document.createElement("tr");
  const cell = (...inner) => {
    const made = document.createElement("td");
    made.append(...inner);
    row.append(made);
  };
  const resize = (by) => change("networkShape", each(0, neurons + by));
  const button = (text, label, by) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    made.setAttribute("aria-label", `${label} layer ${i + 1}`);
    made.disabled = neurons + by < 1 || neurons + by > 8;
    made.addEventListener("click", () => resize(by));
    return made;
  };
  const select = (label, choices, value, tell) => {
    const made = document.createElement("select");
    made.setAttribute("aria-label", `${label} of layer ${i + 1}`);
    options(made, choices, value);
    made.addEventListener("change", () => tell(made.value));
    return made;
  };
  const each = (position, value) => layers.map((one, j) => (j === i ? value : one[position])).join(",");
  const count = Object.assign(document.createElement("span"), { className: "count", textContent: neurons });
  cell(String(i + 1));
  cell(button("−", "One neuron less in", -1), count, button("+", "One neuron more in", 1));
  cell(select("Activation", CHOICES.activation, activation, (value) => change("activations", each(1, value))));
  cell(select("Dropout", DROPOUTS, dropout, (value) => change("dropout", each(2, value))));
  return row;
}
