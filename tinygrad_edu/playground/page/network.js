// The network: a small map for each neuron, and links that are as thick as their weights.

import { css, paint, palette, scale } from "/page/colors.js";

const byId = (id) => document.getElementById(id);
const home = byId("network");
const canvas = byId("links");
const neurons = byId("neurons");

export class Network {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.columns = [];
    this.lit = null;
    this.tip = Object.assign(document.createElement("div"), { id: "tip", hidden: true });
    home.append(this.tip);
    home.addEventListener("pointermove", (event) => this.hover(event));
    home.addEventListener("pointerleave", () => (this.tip.hidden = true));
    home.addEventListener("click", (event) => {
      const link = event.target.closest("#neurons button") ? null : this.linkAt(event);
      if (link) onChoose(link);
    });
    new ResizeObserver(() => this.state && this.build(this.state, this.frame)).observe(home);
  }

  build(state, frame) {
    if (!frame) return;
    const focused = [...neurons.children].indexOf(document.activeElement);
    this.state = state;
    this.frame = frame;
    const { clientWidth: width, clientHeight: height } = home;
    const sizes = frame.sizes;
    this.size = Math.max(22, Math.min(46, (width / sizes.length) * 0.55, height / 8.6 - 10));
    const step = Math.min(this.size * 1.9, (height - 24) / Math.max(...sizes));
    this.columns = sizes.map((count, i) =>
      Array.from({ length: count }, (_, j) => ({
        x: ((i + 0.5) / sizes.length) * width,
        y: 20 + step * (j + 0.5),
        layer: i,
        neuron: j,
      })),
    );
    neurons.replaceChildren(...this.columns.flat().map((place) => this.button(place)));
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    if (focused >= 0) neurons.children[focused]?.focus();
    this.draw(frame);
  }

  button(place) {
    const button = document.createElement("button");
    button.type = "button";
    const last = this.columns.length - 1;
    const picture = document.createElement("canvas");
    picture.width = picture.height = this.state.small;
    button.append(picture);
    const label = place.layer === 0 ? `input ${this.state.labels[place.neuron]}`
      : place.layer === last ? `output ${place.neuron + 1}` : `neuron ${place.neuron + 1} of layer ${place.layer}`;
    button.setAttribute("aria-label", label);
    button.title = label;
    button.classList.toggle("input", place.layer === 0);
    Object.assign(button.style, { left: `${place.x}px`, top: `${place.y}px`, width: `${this.size}px`, height: `${this.size}px` });
    button.addEventListener("click", () =>
      this.onChoose(place.layer ? { layer: place.layer - 1, source: -1, target: place.neuron } : { input: place.neuron }),
    );
    Object.assign(place, { button, picture, label });
    return button;
  }

  draw(frame) {
    this.frame = frame;
    const colors = scale();
    for (const place of this.columns.flat()) {
      const last = this.columns.length - 1;
      const map = place.layer === 0 ? this.inputMap(place.neuron)
        : place.layer === last ? null : frame.neurons[place.layer - 1]?.[place.neuron];
      if (map) paint(place.picture, map, this.state.small, colors);
      else if (frame.outputs[place.neuron]) paint(place.picture, frame.outputs[place.neuron], this.state.side, colors);
    }
    this.drawLinks();
  }

  inputMap(index) {
    const names = ["x", "y", "x_squared", "y_squared", "x_times_y", "sin_x", "sin_y"];
    return this.state.inputMaps[names.indexOf(this.state.inputs[index])];
  }

  *links() {
    for (let layer = 0; layer + 1 < this.columns.length; layer++) {
      const [from, to] = [this.columns[layer], this.columns[layer + 1]];
      for (const source of from) {
        for (const target of to) {
          const weight = this.frame.weights[layer][source.neuron * to.length + target.neuron];
          yield { layer, source: source.neuron, target: target.neuron, from: source, to: target, weight };
        }
      }
    }
  }

  // `values` shows other numbers than the weights: the gradients, in slow motion.
  drawLinks(values = null) {
    const context = canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const { blue, orange, gray } = palette();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const link of this.links()) {
      const value = values ? values(link) : link.weight;
      if (value === null || !Number.isFinite(value)) continue;
      const lit = this.lit?.has(`${link.layer},${link.source},${link.target}`);
      const dim = this.lit && !lit;
      context.beginPath();
      this.trace(context, link);
      context.strokeStyle = css(value > 0 ? blue : orange, dim ? 0.12 : Math.min(1, 0.25 + Math.abs(value) / 2));
      context.lineWidth = Math.min(9, 0.7 + 2.2 * Math.abs(value)) + (lit ? 1.5 : 0);
      context.stroke();
      if (this.chosen && same(this.chosen, link)) {
        context.setLineDash([4, 4]);
        context.strokeStyle = gray;
        context.lineWidth = 2;
        context.stroke();
        context.setLineDash([]);
      }
    }
  }

  trace(context, { from, to }) {
    const half = this.size / 2;
    const middle = (from.x + to.x) / 2;
    context.moveTo(from.x + half, from.y);
    context.bezierCurveTo(middle, from.y, middle, to.y, to.x - half, to.y);
  }

  linkAt(event) {
    const box = home.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let nearest = 10;
    for (const link of this.links()) {
      const half = this.size / 2;
      const [a, b] = [link.from.x + half, link.to.x - half];
      if (x < a || x > b) continue;
      const t = solve(a, b, x);
      const away = Math.abs(link.from.y + (link.to.y - link.from.y) * (3 * t * t - 2 * t * t * t) - y);
      if (away < nearest) [best, nearest] = [link, away];
    }
    return best && { layer: best.layer, source: best.source, target: best.target, weight: best.weight };
  }

  hover(event) {
    const box = home.getBoundingClientRect();
    const button = event.target.closest?.("#neurons button");
    const place = button && this.columns.flat().find((one) => one.button === button);
    const link = button ? null : this.linkAt(event);
    home.style.cursor = link ? "pointer" : "";
    this.tip.hidden = !link && !place;
    if (link) this.tip.textContent = `weight ${link.weight.toFixed(3)}`;
    else if (place) {
      const bias = place.layer && this.frame.biases[place.layer - 1][place.neuron];
      this.tip.textContent = place.layer ? `${place.label}, bias ${bias.toFixed(3)}` : place.label;
    }
    const x = event.clientX - box.left;
    Object.assign(this.tip.style, { left: `${Math.max(90, Math.min(box.width - 90, x))}px`, top: `${event.clientY - box.top}px` });
  }

  choose(chosen) {
    this.chosen = chosen;
    for (const { button, layer, neuron } of this.columns.flat()) {
      button.setAttribute("aria-pressed", String(Boolean(chosen && chosen.source === -1 && layer === chosen.layer + 1 && neuron === chosen.target)));
    }
    this.drawLinks();
  }

  // Light up routes, each a list of [layer, neuron] from the output back, and the link that they lead to.
  light(routes, chosen) {
    this.lit = routes && new Set();
    const neuronsLit = new Set();
    for (const route of routes ?? []) {
      route.forEach(([layer, neuron], i) => {
        neuronsLit.add(`${layer + 1},${neuron}`);
        if (i) this.lit.add(`${route[i - 1][0]},${neuron},${route[i - 1][1]}`);
      });
    }
    if (routes && chosen.source >= 0) {
      this.lit.add(`${chosen.layer},${chosen.source},${chosen.target}`);
      neuronsLit.add(`${chosen.layer},${chosen.source}`);
    }
    for (const { button, layer, neuron } of this.columns.flat()) button.classList.toggle("lit", neuronsLit.has(`${layer},${neuron}`));
    this.drawLinks();
  }
}

const same = (a, b) => a.layer === b.layer && a.source === b.source && a.target === b.target;

// Where along the curve from a to b is x? Its x is a·(1−t)³ + 3·m·t(1−t) + b·t³ with m in the middle.
function solve(a, b, x) {
  let [low, high] = [0, 1];
  const middle = (a + b) / 2;
  for (let i = 0; i < 20; i++) {
    const t = (low + high) / 2;
    const u = 1 - t;
    if (a * u * u * u + 3 * middle * t * u + b * t * t * t < x) low = t;
    else high = t;
  }
  return (low + high) / 2;
}
