// Cost of one second of audio in headless Chromium and in Node: the engine in blocks of the audio thread, the whole
// NovaSRNode, and, if its folder is given, rnnoise-wasm beside them.
//   ./scripts/build-web && node bench/browser_bench.mjs [node_modules/@jitsi/rnnoise-wasm/dist]
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Engine } from "../web/dist/index.js";
import { launch } from "../web/test/browser.mjs";
import { serve } from "../web/test/serve.mjs";

const ROUNDS = 15;
const dist = fileURLToPath(new URL("../web/dist", import.meta.url));
const [rnnoise] = process.argv.slice(2);

/** Milliseconds for one second of noise up to 7 kHz in blocks, median of the rounds; also runs in the page. */
function cost(block, process, rounds) {
  const audio = new Float32Array(48_000);
  let low = 0;
  for (let i = 0; i < audio.length; ++i) audio[i] = low += 0.6 * (0.2 * (Math.random() - 0.5) - low);
  const times = [];
  for (let round = 0; round < rounds + 2; ++round) {
    const started = performance.now();
    for (let first = 0; first + block <= audio.length; first += block) process(audio.subarray(first, first + block));
    times.push(performance.now() - started);
  }
  return times.slice(2).sort((a, b) => a - b)[rounds >> 1];
}

function engineCost(EngineClass, module, weights, rounds, measure) {
  const engine = new EngineClass(module, { weights, sampleRate: 48_000, outputRate: 48_000 });
  return measure(128, (block) => (engine.input[0].set(block), engine.process(128)), rounds);
}

const module = new WebAssembly.Module(readFileSync(join(dist, "novasr.wasm")));
const wide = readFileSync(join(dist, "wide.safetensors"));
const rows = [
  ["base, engine in Node", engineCost(Engine, module, undefined, ROUNDS, cost)],
  ["wide, engine in Node", engineCost(Engine, module, wide, ROUNDS, cost)],
];

const folder = mkdtempSync(join(tmpdir(), "novasr-bench-"));
cpSync(dist, join(folder, "novasr"), { recursive: true });
if (rnnoise !== undefined) cpSync(rnnoise, join(folder, "rnnoise"), { recursive: true });
writeFileSync(join(folder, "index.html"), '<!doctype html><link rel="icon" href="data:,">');
const server = await serve(folder);
const browser = await launch();
const page = await browser.newPage();
await page.goto(server.url);
await page.addScriptTag({ content: `${cost}\n${engineCost}` });
rows.push(
  ...(await page.evaluate(
    async ({ rounds, rnnoise }) => {
      const { Engine, NovaSRNode } = await import("./novasr/index.js");
      const bytes = async (name) => (await fetch(`./novasr/${name}`)).arrayBuffer();
      const module = await WebAssembly.compile(await bytes("novasr.wasm"));
      const found = [];
      for (const model of ["base", "wide"]) {
        const weights = model === "wide" ? new Uint8Array(await bytes("wide.safetensors")) : undefined;
        found.push([`${model}, engine in Chromium`, engineCost(Engine, module, weights, rounds, cost)]);
        const seconds = 10;
        const times = [];
        for (let round = 0; round < 5; ++round) {
          const context = new OfflineAudioContext(1, seconds * 48_000, 48_000);
          const buffer = context.createBuffer(1, 48_000, 48_000);
          buffer.copyToChannel(Float32Array.from({ length: 48_000 }, () => 0.2 * (Math.random() - 0.5)), 0);
          const source = new AudioBufferSourceNode(context, { buffer, loop: true });
          const node = await NovaSRNode.create(context, { model, channelCount: 1 });
          source.connect(node).connect(context.destination);
          source.start();
          const started = performance.now();
          await context.startRendering();
          times.push((performance.now() - started) / seconds);
        }
        found.push([`${model}, NovaSRNode in Chromium`, times.sort((a, b) => a - b)[2]]);
      }
      if (rnnoise) {
        const { default: create } = await import("./rnnoise/rnnoise.js");
        const rnn = await create({ locateFile: (name) => `./rnnoise/${name}` });
        const state = rnn._rnnoise_create();
        const address = rnn._malloc(480 * 4);
        const process = (block) => {
          rnn.HEAPF32.set(block, address / 4);
          rnn._rnnoise_process_frame(state, address, address);
        };
        found.push(["rnnoise-wasm in Chromium", cost(480, process, rounds)]);
      }
      return found;
    },
    { rounds: ROUNDS, rnnoise: rnnoise !== undefined },
  )),
);
console.log(`${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, ${browser.version()}, Node ${process.version}`);
for (const [name, ms] of rows) {
  console.log(`${name.padEnd(28)} ${ms.toFixed(1).padStart(6)} ms/s ${(1000 / ms).toFixed(0).padStart(5)} x real time`);
}
await browser.close();
server.close();
rmSync(folder, { recursive: true });
