// What a quantum of the audio thread leaves for the garbage collector. Needs --expose-gc, and --max-semi-space-size=512
// --min-semi-space-size=512, with which nothing is collected in between, and --single-threaded, so that no compiler runs beside it.
// Runs dist/worklet.js as an AudioWorkletGlobalScope would, and prints bytes for each quantum.
import { readFileSync } from "node:fs";

const QUANTA = 2000;
const file = (name) => readFileSync(new URL(`../dist/${name}`, import.meta.url));
const port = { postMessage() {} };
let Processor;
Object.assign(globalThis, {
  sampleRate: 48_000,
  AudioWorkletProcessor: class {
    port = port;
  },
  registerProcessor(_, processor) {
    Processor = processor;
  },
});
await import("../dist/worklet.js");

function bytes(work, quanta) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < quanta; ++i) work();
  return process.memoryUsage().heapUsed - before;
}

/**
 * By how much more is left after more quanta: a collection leaves something by itself. The least of three, since the
 * compilers of the browser run beside it.
 */
function bytesOf(work) {
  bytes(work, 2 * QUANTA);
  const least = (quanta) => Math.min(...[1, 2, 3].map(() => bytes(work, quanta)));
  return (least(3 * QUANTA) - least(QUANTA)) / (2 * QUANTA);
}

function quantum(weights) {
  const processorOptions = {
    module: new WebAssembly.Module(file("novasr.wasm")),
    weights,
    channels: 2,
    mode: "extend",
    crossover: 7100,
  };
  const processor = new Processor({ processorOptions });
  const planar = () => [Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)), new Float32Array(128)];
  const [inputs, outputs] = [[planar()], [planar()]];
  const values = {};
  for (const { name, defaultValue } of Processor.parameterDescriptors) {
    values[name] = new Float32Array(1).fill(defaultValue);
  }
  const mixes = [Float32Array.of(0.2), Float32Array.of(0.9)];
  let even = 0;
  return () => {
    values.mix = mixes[(even ^= 1)];
    processor.process(inputs, outputs, values);
  };
}

const kept = { last: null };
console.log(
  JSON.stringify({
    base: bytesOf(quantum(undefined)),
    wide: bytesOf(quantum(file("wide.safetensors"))),
    control: bytesOf(() => (kept.last = new Float32Array(128))),
  }),
);
