// Whose fault is this? The gradient of one weight, path by path; and one step in slow motion.

const byId = (id) => document.getElementById(id);
const decimal = (value, digits = 4) => (value === null ? "no number" : Number(value).toFixed(digits).replace(/^-(0\.?0*)$/, "$1"));
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Fault {
  constructor(network, send, onBatch) {
    Object.assign(this, { network, send, onBatch, chosen: null, playing: 0, isPlaying: false });
    byId("slow").addEventListener("click", () => send({ do: "slow" }));
  }

  choose(chosen, frame, state) {
    this.network.light(null);
    byId("fault").replaceChildren();
    if ("input" in chosen) {
      byId("chosen").innerHTML = "<p>This is an input: a number that comes with the point. It has no weight to blame. Its links have.</p>";
      return;
    }
    this.chosen = chosen;
    this.network.choose(chosen);
    this.showEditor(frame, state);
    this.send({ do: "blame", ...only(chosen) });
  }

  showEditor(frame, state) {
    const { layer, target } = this.chosen;
    const from = this.network.columns[layer];
    const to = this.network.columns[layer + 1][target];
    const rows = [["its bias", -1, frame.biases[layer][target]]];
    from.forEach(({ label, neuron }) => rows.push([`from ${label}`, neuron, frame.weights[layer][neuron * frame.sizes[layer + 1] + target]]));
    const title = Object.assign(document.createElement("p"), { innerHTML: `<strong>${to.label}</strong>: change a number, or ask about it.` });
    byId("chosen").replaceChildren(title, ...rows.map(([text, source, value]) => this.editorRow(text, { layer, source, target }, value)));
    this.mark();
  }

  editorRow(text, place, value) {
    const row = Object.assign(document.createElement("div"), { className: "row editor" });
    const label = Object.assign(document.createElement("label"), { className: "inline", textContent: text });
    const input = Object.assign(document.createElement("input"), { type: "number", step: "0.1", value: decimal(value, 3) });
    input.dataset.source = place.source;
    input.addEventListener("change", () => {
      if (input.value === "" || !Number.isFinite(input.valueAsNumber)) return;
      this.send({ do: "weight", ...place, value: Math.max(-1e6, Math.min(1e6, input.valueAsNumber)) });
      this.chosen = place;
      this.network.choose(place);
      this.send({ do: "blame", ...place });
    });
    label.append(input);
    const ask = Object.assign(document.createElement("button"), { type: "button", textContent: "Whose fault?" });
    ask.setAttribute("aria-label", `Whose fault? ${text}`);
    ask.addEventListener("click", () => {
      this.chosen = place;
      this.network.choose(place);
      this.mark();
      this.send({ do: "blame", ...place });
    });
    row.append(label, ask);
    return row;
  }

  mark() {
    for (const input of byId("chosen").querySelectorAll("input")) {
      input.closest(".row").classList.toggle("asked", Number(input.dataset.source) === this.chosen.source);
    }
  }

  // While the network learns, the numbers in the editor follow, but for the one being typed.
  follow(frame) {
    if (!this.chosen) return;
    const { layer, target } = this.chosen;
    for (const input of byId("chosen").querySelectorAll("input")) {
      const source = Number(input.dataset.source);
      const value = source < 0 ? frame.biases[layer]?.[target] : frame.weights[layer]?.[source * frame.sizes[layer + 1] + target];
      if (input !== document.activeElement && value !== undefined) input.value = decimal(value, 3);
    }
  }

  forget() {
    this.chosen = null;
    this.network.choose(null);
    this.network.light(null);
    byId("fault").replaceChildren();
    byId("chosen").innerHTML = "<p>Nothing is chosen yet. Click a neuron or a link of the network.</p>";
  }

  showBlame(told) {
    const { gradient, rate, points, count, value } = told;
    const direction = gradient > 0 ? "smaller" : "larger";
    const much = Math.abs(gradient) < 1e-9;
    const what = told.source < 0 ? "bias" : "weight";
    const sentence = gradient === null
      ? "There is no number any more: something has become too large. Press Reset, and take a smaller learning rate."
      : much
      ? `This ${what} is innocent: on these ${points} points, the loss does not change with it.`
      : `The loss would shrink if this ${what} were ${direction}. Its gradient on the next ${points} points is ${decimal(gradient, 5)}: ` +
        `for each 0.01 that the ${what} grows, the loss ${gradient > 0 ? "grows" : "shrinks"} by about ${decimal(Math.abs(gradient) / 100, 6)}. ` +
        `Plain gradient descent would move it from ${decimal(value)} to ${decimal(value - rate * gradient)}.`;
    const place = byId("fault");
    place.innerHTML = `<p class="sum"></p><p class="check-line"></p><h3>The paths from the loss to it, the largest first</h3><ol></ol>
      <h3>The largest path of a single point, as the chain rule</h3><div class="scroll"><table><thead><tr><th>factor</th><th>comes from</th><th>value</th></tr></thead><tbody></tbody></table></div>`;
    place.querySelector(".sum").textContent = sentence;
    place.querySelector(".check-line").textContent =
      `It is the sum over ${count.toLocaleString("en")} paths. Measured by moving the ${what} a little: ${decimal(told.quotient, 5)}.`;
    const name = ([layer, neuron]) => this.network.columns[layer + 1]?.[neuron]?.label ?? "?";
    place.querySelector("ol").append(...told.routes.map((route) => {
      const item = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: `loss → ${route.neurons.map(name).join(" → ")}` });
      button.addEventListener("click", () => this.network.light([route.neurons], told));
      item.append(button, ` ${decimal(route.amount, 5)} (${decimal(100 * route.share, 0)} %)`);
      return item;
    }));
    const rows = [...told.largest, ["product", "", told.product]];
    place.querySelector("tbody").append(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }));
    this.network.light(told.routes.slice(0, 3).map((route) => route.neurons), told);
  }

  // -- one step in slow motion --------------------------------------------------------------------

  async playSlowly(step) {
    const number = ++this.playing;
    this.isPlaying = true;
    this.network.light(null);
    const layers = step.said.length;
    const outputs = (numbers) => numbers.map((one) => decimal(one, 2)).join(", ");
    const scenes = [[`The batch: ${step.points.length} points, ringed on the right. We follow the one with the thick ring.`, () => null, []]];
    for (let layer = 0; layer < layers; layer++) {
      scenes.push([`Forward: layer ${layer + 1} multiplies by its weights, adds, and says ${outputs(step.said[layer])}.`,
        (link) => (link.layer <= layer ? link.weight : null), [layer]]);
    }
    scenes.push([`The output should be ${outputs(step.target)}. The loss of the batch is ${decimal(step.loss)}.`, (link) => link.weight, [layers - 1]]);
    for (let layer = layers - 1; layer >= 0; layer--) {
      const shares = step.flows[layer].map((one) => decimal(one, 3)).join(", ");
      const most = Math.max(...step.gradients.flatMap((one) => one.weight.flat().map(Math.abs)), 1e-12);
      scenes.push([`Back: the blame that reaches layer ${layer + 1} from that point is ${shares}. Its links are as thick as their gradients.`,
        (link) => (link.layer >= layer ? (step.gradients[link.layer].weight[link.source][link.target] / most) * 2 : null), [layer]]);
    }
    scenes.push(["Each weight moves a little against its gradient: what is to blame for much moves most.", null, []]);
    for (const [text, values, lit] of scenes) {
      if (number !== this.playing) return;
      byId("slow-text").textContent = text;
      this.onBatch(step.points);
      this.show(values, lit, step);
      await this.pause(values === null ? 600 : 2400);
    }
    if (number !== this.playing) return;
    const steps = calm.matches ? 1 : 30;
    for (let i = 1; i <= steps && number === this.playing; i++) {
      this.network.drawLinks((link) => {
        const [a, b] = [step.before, step.after].map((one) => one[link.layer].weight[link.source][link.target]);
        return a + ((b - a) * i) / steps;
      });
      await this.pause(1200 / steps);
    }
    if (number !== this.playing) return;
    byId("slow-text").textContent += " Done: that was one batch.";
    this.stop();
  }

  show(values, lit, step) {
    for (const place of this.network.columns.flat()) place.button.classList.toggle("lit", lit.includes(place.layer - 1));
    this.network.drawLinks(values ?? ((link) => step.before[link.layer].weight[link.source][link.target]));
  }

  pause(milliseconds) {
    return new Promise((done) => setTimeout(done, (milliseconds * 3) / Number(byId("slow-speed").value)));
  }

  stop() {
    this.playing++;
    this.isPlaying = false;
    this.network.light(null);
    this.onBatch(null);
  }
}

const only = ({ layer, source, target }) => ({ layer, source, target });
