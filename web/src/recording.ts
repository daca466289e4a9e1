/** A whole recording through the engine: what the worker does, and what a program without a worker can do. */
import { judgeBand, measureBandwidth, type Verdict } from "./bandwidth.js";
import { Engine } from "./engine.js";
import type { Parameters } from "./parameters.js";

export const OUTPUT_HZ = 48_000;

const BLOCK_FRAMES = 8192;
const LEAST_BAND_HZ = 1000;
const MEASURING = 0.15; // share of the time

/** What becomes of a recording. */
export interface Extended {
  /** At 48000 Hz, aligned with the input. */
  channels: Float32Array<ArrayBuffer>[];
  /** Where the band of the input ends, in Hz; 0 for silence. */
  bandwidth: number;
  /** What that means for this model. */
  verdict: Verdict;
  /** Nothing was added, because the recording has its band already. */
  left: boolean;
}

export interface RecordingOptions {
  module: WebAssembly.Module;
  weights?: Uint8Array | undefined;
  parameters: Readonly<Parameters>;
  /** Also extend what has its band already. */
  force: boolean;
  onProgress?: (share: number) => void;
}

/** Extends channels of equal length. Throws NovaSRError. */
export function extendRecording(
  input: readonly Float32Array[],
  sampleRate: number,
  { module, weights, parameters, force, onProgress }: RecordingOptions,
): Extended {
  const bandwidth = measureBandwidth(module, input, sampleRate);
  onProgress?.(MEASURING);
  const engine = new Engine(module, {
    weights,
    sampleRate,
    channels: input.length,
    blockFrames: BLOCK_FRAMES,
    offline: true,
    sourceBand: bandwidth >= LEAST_BAND_HZ ? bandwidth : undefined,
  });
  const verdict = judgeBand(module, bandwidth, sampleRate, engine.anyBand);
  const left = verdict.kind === "leave" && !force;
  engine.set(left ? { ...parameters, bypass: true } : parameters);
  const frames = input[0]!.length;
  const total = roundHalfToEven((frames * engine.outputRate) / sampleRate);
  const channels = input.map(() => new Float32Array(total));
  let written = -engine.latency;
  const take = (count: number) => {
    const skip = Math.max(0, -written); // of the latency, which may be longer than the block
    if (skip < count) {
      for (const [c, channel] of channels.entries()) {
        channel.set(engine.output[c]!.subarray(skip, count), written + skip);
      }
    }
    written += count;
  };
  for (let first = 0; first < frames; first += BLOCK_FRAMES) {
    const count = Math.min(BLOCK_FRAMES, frames - first);
    for (const [c, channel] of input.entries()) engine.input[c]!.set(channel.subarray(first, first + count));
    take(engine.process(count));
    onProgress?.(MEASURING + ((1 - MEASURING) * (first + count)) / frames);
  }
  take(engine.flush());
  return { channels, bandwidth, verdict, left };
}

function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2) : Math.round(x);
}
