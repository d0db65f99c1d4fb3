// The Digits tab: paper to draw on, and what the network makes of it.

import { css, palette } from "/page/colors.js";

const byId = (id) => document.getElementById(id);
const paper = byId("paper");
const pen = paper.getContext("2d", { willReadFrequently: true });
const TITLES = { given: "drawn", ink: "the ink", cleaned: "cleaned", boxed: "in its box", image: "what it sees" };
const percent = (share) => `${(100 * share).toFixed(1)} %`;

export class Digits {
  constructor(connection, notice) {
    Object.assign(this, { connection, notice, strokes: [], label: -1, ready: false, waiting: false, again: false, last: null, cursor: [140, 140], down: false });
    byId("chances").append(...Array.from({ length: 10 }, (_, digit) => this.chanceButton(digit)));
    this.listen();
    this.redraw();
  }

  open() {
    this.connection().send({ do: "digits" });
  }

  // Python may have been started anew: whatever was asked for will not be answered.
  restart() {
    this.waiting = this.again = this.ready = false;
    if (!byId("digits").hidden) this.open();
  }

  progress(told) {
    byId("learned").value = told.ready ? 1 : told.share;
    byId("learned").hidden = told.ready;
    byId("reader-note").textContent = told.error ? `It cannot learn: ${told.error}`
      : told.ready ? `Ready. ${told.note}.` : `It is learning to read${told.note ? ` from ${told.note}` : ""}: ${Math.round(100 * told.share)} %`;
    Object.assign(this, { scans: told.scans, size: told.size });
    byId("removed").max = told.hidden;
    if (told.ready && !this.ready) {
      this.ready = true;
      this.ask();
    } else if (!told.ready && !told.error) setTimeout(() => this.open(), 400);
  }

  // -- drawing -----------------------------------------------------------------------------------

  listen() {
    const place = ({ clientX, clientY }) => {
      const box = paper.getBoundingClientRect();
      return [((clientX - box.left) / box.width) * 280, ((clientY - box.top) / box.height) * 280];
    };
    paper.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      paper.focus({ preventScroll: true });
      paper.setPointerCapture(event.pointerId);
      this.drawing = event.pointerId;
      this.begin(place(event));
    });
    paper.addEventListener("pointermove", (event) => {
      if (this.drawing !== event.pointerId) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) this.go(place(one));
    });
    for (const name of ["pointerup", "pointercancel"]) paper.addEventListener(name, () => (this.drawing = null));
    paper.addEventListener("keydown", (event) => this.key(event));
    byId("undo").addEventListener("click", () => this.change(() => this.strokes.pop()));
    byId("clear").addEventListener("click", () => this.change(() => (this.strokes = [])));
    byId("picture").addEventListener("change", ({ target }) => target.files[0] && this.take(target.files[0]));
    paper.addEventListener("dragover", (event) => {
      event.preventDefault();
      paper.classList.add("over");
    });
    paper.addEventListener("dragleave", () => paper.classList.remove("over"));
    paper.addEventListener("drop", (event) => {
      event.preventDefault();
      paper.classList.remove("over");
      if (event.dataTransfer.files[0]) this.take(event.dataTransfer.files[0]);
    });
    byId("removed").addEventListener("input", () => {
      byId("removed-count").textContent = byId("removed").value;
      this.ask();
    });
  }

  begin(point) {
    this.change(() => this.strokes.push({ points: [point], width: Number(byId("thickness").value) }));
  }

  go(point) {
    this.change(() => this.strokes.at(-1).points.push(point));
  }

  key(event) {
    const step = { ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, -6], ArrowDown: [0, 6] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (step) {
      this.cursor = this.cursor.map((value, i) => Math.max(0, Math.min(280, value + step[i])));
      if (this.down) this.go(this.cursor);
    } else {
      this.down = !this.down;
      if (this.down) this.begin(this.cursor);
    }
    this.redraw();
  }

  change(action) {
    action();
    if (!this.strokes.length) this.down = false;
    this.redraw();
    this.ask();
  }

  redraw() {
    this.paint();
    if (document.activeElement !== paper || this.drawing != null || !paper.matches(":focus-visible")) return;
    pen.strokeStyle = this.down ? "#d55e00" : "#0072b2"; // where the keyboard's pen is
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(...this.cursor, 8, 0, 7);
    pen.stroke();
  }

  paint() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, 280, 280);
    pen.lineCap = pen.lineJoin = "round";
    for (const { picture, points, width } of this.strokes) {
      if (picture) pen.drawImage(picture, (280 - picture.width) / 2, (280 - picture.height) / 2);
      else {
        pen.strokeStyle = "#111";
        pen.lineWidth = width;
        pen.beginPath();
        for (const point of [points[0], ...points]) pen.lineTo(...point);
        pen.stroke();
      }
    }
  }

  async take(file) {
    try {
      const whole = await createImageBitmap(file);
      const share = 280 / Math.max(whole.width, whole.height);
      const size = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * share)));
      const picture = await createImageBitmap(whole, { resizeWidth: size[0], resizeHeight: size[1], resizeQuality: "high" });
      this.change(() => (this.strokes = [{ picture }]));
    } catch {
      this.notice("This file is no picture that the browser can read.");
    }
  }

  // -- asking ------------------------------------------------------------------------------------

  // One question at a time; what changes meanwhile is asked about when the answer is there.
  ask() {
    if (!this.ready) return;
    if (this.waiting) {
      this.again = true;
      return;
    }
    if (!this.strokes.length) return this.blank("Nothing yet.");
    this.paint(); // without the keyboard's pen
    const { data } = pen.getImageData(0, 0, 280, 280);
    this.redraw();
    const bytes = new Uint8Array(10 + 280 * 280);
    const photo = this.strokes.some(({ picture }) => picture) ? 1 : 0;
    const head = new DataView(bytes.buffer);
    [280, 280, this.label, Number(byId("removed").value), photo].forEach((value, i) => head.setInt16(2 * i, value, true));
    for (let i = 0; i < 280 * 280; i++) bytes[10 + i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    this.waiting = true;
    this.connection().sendBytes(bytes);
  }

  answer(told) {
    this.waiting = false;
    const again = this.again;
    this.again = false;
    if (again) this.ask();
    if (!this.strokes.length) return;
    this.showWay(told);
    if (told.blank) {
      this.blank(`No digit: ${told.blank}.`, false);
      return;
    }
    this.last = told;
    const best = told.chances.indexOf(Math.max(...told.chances));
    const text = `A ${best}, ${percent(told.chances[best])} sure.`;
    if (byId("answer").textContent !== text) byId("answer").textContent = text;
    this.showChances(told);
    this.showSpeaks(told);
    this.showActivity(told.activity);
    this.showDamage(told, best);
  }

  blank(text, all = true) {
    this.last = null;
    byId("answer").textContent = text;
    byId("damage").textContent = "";
    this.showChances({ chances: Array(10).fill(0), label: this.label });
    if (all) {
      byId("way").replaceChildren();
      byId("way-notes").textContent = "";
    }
    for (const id of ["speaks", "scan", "activity"]) byId(id).getContext("2d").clearRect(0, 0, 400, 400);
  }

  chanceButton(digit) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.innerHTML = `<span>${digit}</span><meter min="0" max="1" value="0" aria-hidden="true"></meter><span>0.0 %</span>`;
    button.addEventListener("click", () => {
      this.label = this.label === digit ? -1 : digit;
      this.ask();
      if (!this.last) this.showChances({ chances: Array(10).fill(0), label: this.label });
    });
    return button;
  }

  showChances({ chances, label }) {
    [...byId("chances").children].forEach((button, digit) => {
      button.setAttribute("aria-pressed", String(digit === label));
      button.querySelector("meter").value = chances[digit];
      button.lastElementChild.textContent = percent(chances[digit]);
    });
    document.querySelector(".asked-digit").textContent = label < 0 ? "that" : label;
  }

  showWay({ steps, notes }) {
    byId("way").replaceChildren(...Object.entries(steps).map(([name, { width, height, dots }]) => {
      const figure = document.createElement("figure");
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      grays(canvas, dots, width, height);
      figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: TITLES[name] }));
      return figure;
    }));
    byId("way-notes").textContent = notes.join("; ");
  }

  showSpeaks({ speaks, label }) {
    const { paper: ground, blue, orange } = palette();
    const image = new ImageData(this.size, this.size);
    speaks.forEach((value, i) => {
      const to = value > 0 ? blue : orange;
      image.data.set([...ground.map((from, c) => from + (to[c] - from) * Math.abs(value)), 255], 4 * i);
    });
    enlarge(byId("speaks"), image);
    grays(byId("scan"), this.scans[label], this.size, this.size, true);
  }

  showActivity(activity) {
    const canvas = byId("activity");
    const context = canvas.getContext("2d");
    const columns = 20;
    const side = canvas.width / columns;
    const most = Math.max(...activity.map(Math.abs), 1e-9);
    canvas.height = side * Math.ceil(activity.length / columns);
    activity.forEach((value, i) => {
      context.fillStyle = css(palette().blue, Math.abs(value) / most);
      context.strokeStyle = palette().line;
      const at = [(i % columns) * side + 1, Math.floor(i / columns) * side + 1, side - 2, side - 2];
      context.fillRect(...at);
      context.strokeRect(...at);
    });
  }

  showDamage({ damaged }, best) {
    const removed = Number(byId("removed").value);
    const now = damaged.indexOf(Math.max(...damaged));
    const left = Number(byId("removed").max) - removed;
    byId("damage").textContent = !removed ? "All neurons are there. Remove some, and see how long it still reads your digit."
      : now === best ? `With only ${left} neurons left it still reads a ${now}, ${percent(damaged[now])} sure.`
        : `With only ${left} neurons left it takes your ${best} for a ${now}.`;
  }

  repaint() {
    if (!this.last) return;
    this.showSpeaks(this.last);
    this.showActivity(this.last.activity);
  }
}

function grays(canvas, dots, width, height, large = false) {
  const image = new ImageData(width, height);
  dots.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  if (large) enlarge(canvas, image);
  else canvas.getContext("2d").putImageData(image, 0, 0);
}

function enlarge(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
