// A frame is JSON, float32 numbers and bytes, one after the other (see maps.py, which packs it).

export function unpack(buffer, small, side) {
  const length = new DataView(buffer).getUint32(0, true);
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const floats = (count) => {
    const part = new Float32Array(buffer, at, count);
    at += 4 * count;
    return part;
  };
  const bytes = (count) => {
    const part = new Uint8Array(buffer, at, count);
    at += count;
    return part;
  };
  const frame = { ...told, weights: [], biases: [], lines: [], neurons: [], outputs: [] };
  for (let layer = 1; layer < told.sizes.length; layer++) {
    frame.weights.push(floats(told.sizes[layer - 1] * told.sizes[layer]));
    frame.biases.push(floats(told.sizes[layer]));
  }
  for (const count of told.curves) {
    frame.lines.push({ epochs: floats(count), training: floats(count), test: floats(count) });
  }
  for (const size of told.sizes.slice(1, -1)) {
    frame.neurons.push(Array.from({ length: size }, () => bytes(small * small)));
  }
  for (let i = 0; i < told.sizes.at(-1); i++) frame.outputs.push(bytes(side * side));
  return frame;
}
