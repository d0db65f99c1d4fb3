// The page: keeps what Python said last, and shows it.

import { onDark } from "/page/colors.js";
import { Connection } from "/page/connection.js";
import * as controls from "/page/controls.js";
import { Digits } from "/page/digits.js";
import { Fault } from "/page/fault.js";
import { unpack } from "/page/frame.js";
import { Network } from "/page/network.js";
import { drawChart, drawLegends, drawPlane, showConfusion, toPlane } from "/page/output.js";

const byId = (id) => document.getElementById(id);
const decimal = (value) => (value === null ? "not a number" : value.toFixed(4));
let state = null;
let frame = null;
let shape = "";
let batch = null;
let ownClass = 1;
let told = 0;
let drawn = [];
let confirmed = null; // the settings as Python has them; those of `state` are ahead of it while answers are pending
let pending = 0;
const ANSWERED = new Set(["open", "change", "reset", "csv"]); // by a state, or an apology

// -- what Python says --------------------------------------------------------------------------

const connection = new Connection({
  onOpen(again) {
    pending = 0;
    ask({ do: "open", link: location.hash });
    connection.send({ do: "fast", on: byId("fast").getAttribute("aria-pressed") === "true" });
    connection.send({ do: "ready" });
    digits.restart();
    if (again) notice("Connected again. The run begins anew, with the same settings.");
  },
  onMessage(message) {
    answers[message.is]?.(message);
  },
  onFrame(buffer) {
    requestAnimationFrame(() => {
      const arrived = unpack(buffer, state.small, state.side);
      if (arrived.state === state.number) show(arrived); // else it was on its way when a setting changed
      connection.send({ do: "ready" });
    });
  },
  onLost(reason) {
    notice(reason || "The program has ended, or cannot be reached. Start it again: python -m tinygrad_edu.playground. Trying to connect…");
  },
});

const answers = {
  state(message) {
    pending = Math.max(0, pending - 1);
    confirmed = message.settings;
    state = pending && state ? { ...message, settings: state.settings } : { ...message, settings: { ...confirmed } };
    frame = null;
    shape = "";
    if (location.hash !== state.link) history.replaceState(null, "", state.link);
    controls.show(state, change);
    drawLegends(state);
    fault.stop();
    fault.forget();
    if (state.notes.length) notice(`In the link: ${state.notes.join("; ")}.`);
  },
  digits: (message) => digits.progress(message),
  look: (message) => digits.answer(message),
  sorry({ to, text }) {
    digits.waiting = false;
    if (ANSWERED.has(to)) pending = Math.max(0, pending - 1);
    if (!pending) state.settings = { ...confirmed };
    controls.show(state, change);
    notice(text);
  },
  broken() {
    notice("Something went wrong in Python; the terminal says what. Reload the page to begin anew.");
  },
  blame: (message) => fault.showBlame(message),
  slow: (message) => fault.playSlowly(message),
  program: ({ text }) => save(text, "playground_run.py", "text/x-python"),
  numpy: ({ text }) => save(text, "playground_step.py", "text/x-python"),
  page: ({ text }) => save(text, "graph.html", "text/html"),
  graph({ text }) {
    const picture = Object.assign(new Image(), { alt: "The computation graph of the loss of one point, with its gradients" });
    picture.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    byId("graph-picture").replaceChildren(picture);
  },
};

function show(arrived) {
  frame = arrived;
  const now = frame.sizes.join();
  if (now !== shape) {
    shape = now;
    network.build(state, frame);
  } else if (!fault.isPlaying) network.draw(frame);
  drawPlane(state, frame, batch);
  drawChart(frame);
  fault.follow(frame);
  status();
  if (frame.trouble) notice(frame.trouble);
  count();
}

// The words are renewed once a second, so that they can be read aloud; at rest, at once.
function status() {
  const now = performance.now();
  if (frame.playing && now - told < 1000) return;
  told = now;
  const part = frame.begun ? `, ${frame.begun} points into the next` : "";
  byId("status").textContent = `epoch ${frame.epoch}${part}, training loss ${decimal(frame.training)}, test loss ${decimal(frame.test)}`;
  showConfusion(frame.confusion, state.classes);
}

function count() {
  if (byId("fps").hidden) return;
  const now = performance.now();
  drawn = [...drawn.filter(([time]) => now - time < 2000), [now, frame.epoch]];
  const seconds = (now - drawn[0][0]) / 1000 || 1;
  byId("fps").textContent = `${((drawn.length - 1) / seconds).toFixed(0)} frames/s, ${((frame.epoch - drawn[0][1]) / seconds).toFixed(0)} epochs/s`;
}
byId("fps").hidden = !new URLSearchParams(location.search).has("fps");

function notice(text) {
  byId("notice").hidden = false;
  byId("notice").firstElementChild.textContent = text;
}
byId("close-notice").addEventListener("click", () => (byId("notice").hidden = true));

function save(text, name, type) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  byId("taken").textContent = `Saved as ${name}.`;
}

// -- what the person does ----------------------------------------------------------------------

function ask(message) {
  if (ANSWERED.has(message.do)) pending++;
  connection.send(message);
}

// The page shows a change at once; so clicks may follow each other faster than Python answers.
function change(key, value) {
  state.settings[key] = value;
  controls.show(state, change);
  ask({ do: "change", key, value });
}

const network = new Network((chosen) => frame && fault.choose(chosen, frame, state));
const fault = new Fault(network, (message) => connection.send(message), (points) => {
  batch = points;
  if (frame) drawPlane(state, frame, batch);
});
const digits = new Digits(() => connection, notice);
controls.listen(change);

for (const [id, does] of [["play", "play"], ["pause", "pause"], ["step", "epoch"], ["batch", "batch"], ["reset", "reset"], ["program", "program"], ["numpy", "numpy"]]) {
  byId(id).addEventListener("click", () => {
    if (does !== "program" && does !== "numpy") fault.stop();
    ask({ do: does });
  });
}
byId("fast").addEventListener("click", ({ currentTarget }) => {
  const on = currentTarget.getAttribute("aria-pressed") !== "true";
  currentTarget.setAttribute("aria-pressed", String(on));
  connection.send({ do: "fast", on });
});
byId("regenerate").addEventListener("click", () => change("seed", Math.random().toFixed(5)));
byId("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    byId("taken").textContent = "The link is copied.";
  } catch {
    byId("taken").textContent = location.href;
  }
});
addEventListener("hashchange", () => state && location.hash !== state.link && ask({ do: "open", link: location.hash }));
onDark(() => {
  if (!frame) return;
  drawLegends(state);
  network.draw(frame);
  drawPlane(state, frame, batch);
  drawChart(frame);
  digits.repaint();
});

// -- one's own points --------------------------------------------------------------------------

const ownPoints = () => (state.settings.own ? state.settings.own.split(";") : []);
const setOwn = (points) => {
  if (points.length > 500) return notice("500 points of your own are the most.");
  if (state.settings.problem !== "classification") change("problem", "classification");
  if (state.settings.dataset !== "own") change("dataset", "own");
  return change("own", points.join(";"));
};
const addOwn = (x, y) => {
  const near = (value) => Math.max(-6, Math.min(6, value));
  setOwn([...ownPoints(), `${near(x)},${near(y)},${ownClass}`]);
};
for (const button of byId("own-class").children) {
  button.addEventListener("click", () => {
    ownClass = Number(button.dataset.class);
    for (const one of byId("own-class").children) one.setAttribute("aria-pressed", String(one === button));
  });
}
const drawing = () => byId("own-class").querySelector("[aria-pressed=true]") !== null && byId("own-class").closest("details").open;
byId("plane").addEventListener("click", (event) => (drawing() || state.settings.dataset === "own") && state.settings.problem === "classification" && addOwn(...toPlane(event)));
byId("own-add").addEventListener("click", () => addOwn(byId("own-x").valueAsNumber || 0, byId("own-y").valueAsNumber || 0));
byId("own-undo").addEventListener("click", () => setOwn(ownPoints().slice(0, -1)));
byId("own-clear").addEventListener("click", () => setOwn([]));
byId("own-file").addEventListener("change", async ({ target }) => {
  const text = await target.files[0]?.text();
  if (text === undefined) return;
  if (text.length > 200_000) notice("This table is too large; 500 points are the most.");
  else ask({ do: "csv", text });
  target.value = "";
});

// -- tabs --------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[role=tab]")];
function open(tab) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (tab.id === "tab-graph") drawGraph();
  if (tab.id === "tab-digits") digits.open();
}
for (const [i, tab] of tabs.entries()) {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const next = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[key];
    if (next === undefined) return;
    const chosen = tabs[(next + tabs.length) % tabs.length];
    chosen.focus();
    open(chosen);
  });
}
const drawGraph = (page = false) => connection.send({ do: "graph", fold: byId("fold").value, page });
byId("fold").addEventListener("change", () => drawGraph());
byId("draw-graph").addEventListener("click", () => drawGraph());
byId("save-player").addEventListener("click", () => drawGraph(true));
