// Colors of what a network says: orange for −1, the paper for 0, blue for 1; green is a third class.

const dark = matchMedia("(prefers-color-scheme: dark)");

export const palette = () =>
  dark.matches
    ? { paper: [20, 24, 29], blue: [88, 176, 240], orange: [255, 140, 58], green: [53, 199, 155], ink: "#e6edf3", gray: "#a3adb8", line: "#3d444d" }
    : { paper: [255, 255, 255], blue: [0, 114, 178], orange: [213, 94, 0], green: [0, 158, 115], ink: "#1a1a1a", gray: "#565d66", line: "#c9ced6" };

export const onDark = (action) => dark.addEventListener("change", action);
export const css = (rgb, alpha = 1) => `rgb(${rgb[0]} ${rgb[1]} ${rgb[2]} / ${alpha})`;
export const classColor = (klass) => palette()[["orange", "blue", "green"][klass]];

const mix = (from, to, share) => from.map((value, i) => value + (to[i] - value) * share);

export function scale() {
  const { paper, blue, orange } = palette();
  return Array.from({ length: 256 }, (_, byte) => {
    const value = Math.max(-1, (byte - 128) / 127);
    return mix(paper, value > 0 ? blue : orange, 0.85 * Math.abs(value));
  });
}

// Paint a square map of bytes into a canvas; the browser smooths it when it is enlarged.
export function paint(canvas, map, side, colors = scale(), only = false) {
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const byte = only ? (map[i] > 128 ? 255 : 1) : map[i];
    image.data.set(colors[byte], 4 * i);
    image.data[4 * i + 3] = 255;
  }
  place(canvas, image, side);
}

// Three classes: each place has the color of the likeliest, the stronger the surer.
export function paintClasses(canvas, maps, side, only) {
  const { paper } = palette();
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const best = [0, 1, 2].reduce((a, b) => (maps[b][i] > maps[a][i] ? b : a));
    const sure = only ? 1 : Math.max(0.05, ((maps[best][i] - 128) / 127 - 1 / 3) * 1.5);
    image.data.set(mix(paper, classColor(best), 0.8 * sure), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  place(canvas, image, side);
}

const scratch = document.createElement("canvas");
function place(canvas, image, side) {
  scratch.width = scratch.height = side;
  scratch.getContext("2d").putImageData(image, 0, 0);
  canvas.getContext("2d").drawImage(scratch, 0, 0, canvas.width, canvas.height);
}
