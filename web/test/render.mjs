// Render recordings with the engine in Node: node render.mjs JOBS, a JSON file with a list of jobs.
import { readFileSync, writeFileSync } from "node:fs";

import { DEFAULTS, Engine } from "../dist/index.js";

const file = (name) => readFileSync(new URL(`../dist/${name}`, import.meta.url));
const module = new WebAssembly.Module(file("novasr.wasm"));
const wide = file("wide.safetensors");

/** Channels of 32-bit floats, one after the other. */
function read(path, channels) {
  const bytes = readFileSync(path);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const frames = all.length / channels;
  return Array.from({ length: channels }, (_, c) => all.subarray(c * frames, (c + 1) * frames));
}

function render({ input, output, model, channels, blocks, parameters, ...options }) {
  const weights = model === "wide" ? wide : undefined;
  const blockFrames = Math.max(...blocks);
  const engine = new Engine(module, { weights, channels, blockFrames, ...options });
  engine.set({ ...DEFAULTS, ...parameters });
  const sound = read(input, channels);
  const made = sound.map(() => []);
  const take = (count) => made.forEach((parts, c) => parts.push(...engine.output[c].subarray(0, count)));
  let first = 0;
  for (const count of blocks) {
    sound.forEach((channel, c) => engine.input[c].set(channel.subarray(first, first + count)));
    take(engine.process(count));
    first += count;
  }
  take(engine.flush());
  writeFileSync(output, Buffer.from(Float32Array.from(made.flat()).buffer));
  return { latency: engine.latency, outputRate: engine.outputRate, ...engine.stats };
}

const jobs = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(jobs.map(render)));
