// The picture on the right: the plane, its points, the chart of losses, and who was taken for whom.

import { classColor, css, paint, paintClasses, palette } from "/page/colors.js";

const byId = (id) => document.getElementById(id);
const plane = byId("plane");
const EDGE = 6;
const LINES = ["blue", "orange", "green"];

export const toPlane = (event) => {
  const box = plane.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE;
  const y = EDGE - ((event.clientY - box.top) / box.height) * 2 * EDGE;
  return [Math.round(x * 100) / 100, Math.round(y * 100) / 100];
};

export function drawPlane(state, frame, batch) {
  const only = state.settings.discretize === "true";
  if (state.classes === 3) paintClasses(plane, frame.outputs, state.side, only);
  else paint(plane, frame.outputs[0], state.side, undefined, only && state.classes === 2);
  if (only && state.classes === 0) paint(plane, frame.outputs[0].map((byte) => 1 + 63.5 * Math.round((byte - 1) / 63.5)), state.side);
  drawPoints(state.train, state.classes, false);
  if (state.settings.showTestData === "true") drawPoints(state.test, state.classes, true);
  if (batch) ring(batch);
}

function color(answer, classes) {
  if (classes) return css(classColor(answer));
  const { paper, blue, orange } = palette();
  const to = answer > 0 ? blue : orange;
  return css(paper.map((value, i) => value + (to[i] - value) * Math.min(1, 0.15 + Math.abs(answer))));
}

function drawPoints(points, classes, test) {
  const context = plane.getContext("2d");
  const size = plane.width / (2 * EDGE);
  context.lineWidth = test ? 2.5 : 2;
  context.strokeStyle = test ? palette().ink : css(palette().paper);
  for (const [x, y, answer] of points) {
    context.beginPath();
    context.arc((x + EDGE) * size, (EDGE - y) * size, 7, 0, 7);
    context.fillStyle = color(answer, classes);
    context.fill();
    context.stroke();
  }
}

function ring(points) {
  const context = plane.getContext("2d");
  const size = plane.width / (2 * EDGE);
  context.strokeStyle = palette().ink;
  points.forEach(([x, y], i) => {
    context.lineWidth = i ? 2 : 5;
    context.beginPath();
    context.arc((x + EDGE) * size, (EDGE - y) * size, i ? 11 : 15, 0, 7);
    context.stroke();
  });
}

export function drawLegends(state) {
  const dot = (rgb, text) => `<span><i style-color="${css(rgb)}"></i>${text}</span>`;
  const { blue, orange, green } = palette();
  const words = state.classes === 3 ? [[orange, "orange"], [blue, "blue"], [green, "green"]] : [[orange, "−1"], [blue, "1"]];
  fill(byId("plane-legend"), words.map(([rgb, text]) => dot(rgb, text)).join("") + (state.settings.showTestData === "true" ? "<span>dark rims: test points</span>" : ""));
  const lines = state.names.length > 1
    ? state.names.map((name, i) => `<span><i class="solid" style-color="${css(palette()[LINES[i]])}"></i>${name}: training</span>`)
    : [`<span><i class="solid" style-color="${css(blue)}"></i>on training points</span>`,
       `<span><i class="dash" style-color="${css(orange)}"></i>on test points</span>`];
  fill(byId("chart-legend"), lines.join(""));
}

// Colors are set from here, since the page allows no style attributes.
function fill(element, html) {
  element.innerHTML = html;
  for (const mark of element.querySelectorAll("[style-color]")) {
    if (mark.className) mark.style.borderColor = mark.getAttribute("style-color");
    else mark.style.background = mark.getAttribute("style-color");
  }
}

export function drawChart(frame) {
  const canvas = byId("chart");
  const context = canvas.getContext("2d");
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  context.scale(ratio, ratio);
  const { gray, line, blue, orange } = palette();
  const [left, bottom, top] = [34, height - 18, 6];
  const many = frame.lines.length > 1;
  const shown = frame.lines.flatMap((one) => (many ? [one.training] : [one.training, one.test]));
  const finite = shown.flatMap((numbers) => Array.from(numbers)).filter(Number.isFinite);
  const most = Math.max(...finite, 1e-9);
  const last = Math.max(...frame.lines.map((one) => one.epochs.at(-1) ?? 0), 1);
  const at = (epoch, loss) => [left + (epoch / last) * (width - left - 8), bottom - (Math.min(loss, most) / most) * (bottom - top)];
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.strokeRect(left, top, width - left - 8, bottom - top);
  context.fillStyle = gray;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "right";
  context.fillText(most.toFixed(2), left - 5, top + 9);
  context.fillText("0", left - 5, bottom);
  context.fillText(`epoch ${last}`, width - 8, height - 3);
  const draw = (epochs, losses, rgb, dash) => {
    context.beginPath();
    context.setLineDash(dash);
    context.strokeStyle = css(rgb);
    context.lineWidth = 2;
    epochs.forEach((epoch, i) => Number.isFinite(losses[i]) && context.lineTo(...at(epoch, losses[i])));
    context.stroke();
    context.setLineDash([]);
    if (epochs.length !== 1 || !Number.isFinite(losses[0])) return;
    context.fillStyle = css(rgb); // one point is no line yet
    context.beginPath();
    context.arc(...at(epochs[0], losses[0]), 3, 0, 7);
    context.fill();
  };
  frame.lines.forEach((one, i) => {
    draw(one.epochs, one.training, many ? palette()[LINES[i]] : blue, []);
    if (!many) draw(one.epochs, one.test, orange, [6, 4]);
  });
}

export function showConfusion(table, classes) {
  const place = byId("confusion");
  if (!table) {
    place.replaceChildren();
    return;
  }
  const names = ["orange", "blue", "green"].slice(0, classes);
  const total = table.flat().reduce((a, b) => a + b, 0);
  const right = table.reduce((sum, row, i) => sum + row[i], 0);
  const rows = table.map((row, i) => `<tr><th scope="row">${names[i]}</th>${row.map((n) => `<td>${n}</td>`).join("")}</tr>`);
  place.innerHTML = `<table><caption>${((100 * right) / total).toFixed(1)} % of the test points are right (accuracy)</caption>
    <thead><tr><th>is ↓ said →</th>${names.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}
