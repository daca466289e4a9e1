// A NovaSRNode in Chromium: node worklet.mjs JOBS, a JSON file with a list of jobs. Prints what was found.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { launch, watch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const server = await serve(fileURLToPath(new URL("..", import.meta.url)));
const browser = await launch();
const page = await browser.newPage();
const problems = watch(page);
await page.goto(`${server.url}test/worklet.html`);
await page.waitForFunction(() => window.novasr);

/** Runs in the page: plays `audio` through a node of a running or an offline context; gives what came out. */
async function play({ base64, channels, sampleRate, live, seconds, options }) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const all = new Float32Array(bytes.buffer);
  const frames = all.length / channels;
  const context = live
    ? new AudioContext({ sampleRate })
    : new OfflineAudioContext(channels, Math.ceil(seconds * sampleRate), sampleRate);
  if (live) await context.suspend();
  const buffer = context.createBuffer(channels, frames, sampleRate);
  for (let c = 0; c < channels; ++c) buffer.copyToChannel(all.subarray(c * frames, (c + 1) * frames), c);
  const source = new AudioBufferSourceNode(context, { buffer });
  const node = await novasr.NovaSRNode.create(context, { channelCount: channels, ...options });
  source.connect(node);
  source.start(0);
  let made;
  if (live) {
    await context.audioWorklet.addModule("./recorder.js");
    const recorder = (from) => {
      const to = new AudioWorkletNode(context, "test-recorder", {
        channelCount: channels,
        channelCountMode: "explicit",
      });
      from.connect(to).connect(context.destination);
      return new Promise((resolve) => (to.port.onmessage = () => resolve(to)));
    };
    const after = await recorder(node);
    await node.stats(); // its processor is there
    await context.resume();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await context.suspend();
    const blocks = await new Promise((resolve) => {
      after.port.onmessage = ({ data }) => resolve(data);
      after.port.postMessage("give");
    });
    made = Array.from({ length: channels }, (_, c) =>
      blocks.flatMap((block) => Array.from(block[c] ?? new Float32Array(128))),
    );
  } else {
    node.connect(context.destination);
    const rendered = await context.startRendering();
    made = Array.from({ length: channels }, (_, c) => Array.from(rendered.getChannelData(c)));
  }
  const found = { latency: node.latency, latencyFrames: node.latencyFrames };
  if (live) await context.close();
  const out = new Uint8Array(Float32Array.from(made.flat()).buffer);
  let text = "";
  for (let i = 0; i < out.length; i += 0x8000) text += String.fromCharCode(...out.subarray(i, i + 0x8000));
  return { ...found, base64: btoa(text) };
}

/** Runs in the page: peaks of a node that is fed, left alone, fed again, and closed. */
async function connectAgain() {
  const context = new AudioContext({ sampleRate: 48_000 });
  const node = await novasr.NovaSRNode.create(context, { channelCount: 1 });
  const analyser = new AnalyserNode(context);
  node.connect(analyser).connect(context.destination);
  const peak = async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
  };
  const fed = async (ms) => {
    const source = new OscillatorNode(context);
    source.connect(node);
    source.start();
    const found = await peak(ms);
    source.disconnect();
    return found;
  };
  const peaks = [await fed(300), await peak(700), await fed(300)];
  node.close();
  peaks.push(await fed(300));
  await context.close();
  return peaks;
}

const results = [];
for (const { input, output, ...job } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const { base64, ...found } = await page.evaluate(play, { base64: readFileSync(input).toString("base64"), ...job });
  writeFileSync(output, Buffer.from(base64, "base64"));
  results.push(found);
}
const peaks = await page.evaluate(connectAgain);
console.log(JSON.stringify({ results, peaks, problems }));
await browser.close();
server.close();
