import { enhance, NovaSRError, NovaSRNode, type Assets, type Enhanced } from "novasr";

declare const ASSETS: Assets;
declare global {
  interface Window {
    result: object;
  }
}

const assets: Assets = typeof ASSETS === "undefined" ? {} : ASSETS;

async function refused(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof NovaSRError) return error.message;
    throw error;
  }
  return "";
}

async function run(): Promise<object> {
  const sampleRate = 48_000;
  const context = new OfflineAudioContext(2, sampleRate / 2, sampleRate);
  const unloaded = await refused(() => new NovaSRNode(context));
  await Promise.all([
    NovaSRNode.load(context, { assets }),
    NovaSRNode.load(context, { assets, model: "wide" }),
  ]);
  const base = new NovaSRNode(context);
  const wide = new NovaSRNode(context, { model: "wide", mix: 0.5 });
  const source = new OscillatorNode(context, { type: "sawtooth", frequency: 220 });
  source.connect(base).connect(wide).connect(context.destination);
  source.start();
  base.highBandGain.setValueAtTime(-6, 0.1);
  base.mode = "full";
  const rendered = await context.startRendering();

  const channels = [Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i / 3) * 0.3)];
  const shares: number[] = [];
  const onProgress = (share: number) => void shares.push(share);
  const made: Enhanced = await enhance({ channels, sampleRate: 16_000 }, { assets, onProgress });
  const short: number[] = [];
  for (const model of ["base", "wide"] as const) {
    for (const frames of [1, 10, 100, 500]) {
      const few = [channels[0]!.subarray(0, frames)];
      const { channels: made } = await enhance({ channels: few, sampleRate: 16_000 }, { assets, model });
      short.push(made[0]!.length);
    }
  }
  const aborted = enhance({ channels, sampleRate: 16_000 }, { assets, signal: AbortSignal.abort("stop") });
  const damaged = new Uint8Array(100);
  const narrow = new OfflineAudioContext(1, 100, 16_000);
  return {
    latencies: [base.latency, wide.latency],
    mix: [base.mix.value, wide.mix.value],
    peak: Math.max(...rendered.getChannelData(0).map(Math.abs)),
    frames: made.channels[0]!.length,
    rate: made.sampleRate,
    short,
    progress: shares.at(-1),
    aborted: await aborted.catch((reason: unknown) => reason),
    errors: {
      unloaded,
      mix: await refused(() => new NovaSRNode(context, { mix: 2 })),
      channels: await refused(() => new NovaSRNode(context, { channelCount: 0 })),
      mode: await refused(() => (base.mode = "fast" as "full")),
      weights: await refused(() => NovaSRNode.create(context, { assets, weights: damaged })),
      empty: await refused(() => enhance({ channels: [], sampleRate: 16_000 }, { assets })),
      worklet: await refused(() => NovaSRNode.load(narrow, { assets: { ...assets, worklet: "./nowhere.js" } })),
      missing: await refused(() => NovaSRNode.load(narrow, { assets: { ...assets, wasm: "./nowhere.wasm" } })),
      narrow: await refused(() => NovaSRNode.create(narrow, { assets })),
    },
  };
}

run().then(
  (result) => (window.result = result),
  (error: unknown) => (window.result = { failed: String(error) }),
);
