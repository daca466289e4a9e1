import { Instance } from "./engine.js";
import { Fourier } from "./fourier.js";

/** What the band of a recording means for enhancing it. */
export interface Verdict {
  /** Enhancing helps; would replace sound that is there; leaves a gap below 8 kHz; has no effect. */
  kind: "extend" | "leave" | "narrow" | "silent";
  /** One sentence. */
  text: string;
}

const KINDS: readonly Verdict["kind"][] = ["extend", "leave", "narrow", "silent"];

// As `BandMeter` and `CutoffMeter` of the Python package, so that both find the same band.
const BIN_HZ = 25;
const DENSE_WINDOWS = 500;
const SPARSE = 4;
const LOUDEST = 1e6;
const BLACKMAN_HARRIS = [0.35875, -0.48829, 0.14128, -0.01168];
const ESTIMATOR_HZ = 48_000;
const ESTIMATOR_FRAME = 512;
const TOP_LINES = 4;
const PIECE_HOPS = 16;
const DENSE_PIECES = 120;

/** Where the band of a recording ends, in Hz, 0 for silence: the lower of its spectrum's end and the running edge. */
export function measureBandwidth(
  module: WebAssembly.Module,
  channels: readonly Float32Array[],
  sampleRate: number,
): number {
  const instance = new Instance(module);
  const clean = channels.map((channel) =>
    channel.map((x) => (Number.isFinite(x) ? Math.min(Math.max(x, -LOUDEST), LOUDEST) : 0)),
  );
  const end = spectrumEnd(instance, clean, sampleRate);
  return Math.min(end, highestCutoff(instance, clean, sampleRate) || end);
}

export function judgeBand(
  module: WebAssembly.Module,
  bandwidth: number,
  sampleRate: number,
  anyBand: boolean,
): Verdict {
  const { exports, text } = bound(new Instance(module));
  const kind = KINDS[exports.judge(bandwidth, sampleRate, Number(anyBand))]!;
  return { kind, text: text(exports.verdict()) };
}

function bound(instance: Instance) {
  return { exports: instance.exports, text: (address: number) => instance.text(address) };
}

/** End of Welch's average of windowed periodograms, summed over the channels. */
function spectrumEnd(instance: Instance, channels: readonly Float32Array[], sampleRate: number): number {
  const size = 2 * Math.round(sampleRate / BIN_HZ / 2);
  const fourier = new Fourier(size);
  const window = Float64Array.from({ length: size }, (_, n) =>
    BLACKMAN_HARRIS.reduce((sum, a, k) => sum + a * Math.cos((2 * Math.PI * k * n) / size), 0),
  );
  const power = new Float64Array(size / 2 + 1);
  const frame = new Float64Array(size);
  const frames = channels[0]!.length;
  const add = (first: number, weight: number) => {
    const one = new Float64Array(power.length);
    const count = Math.min(size, frames - first);
    for (const channel of channels) {
      let mean = 0;
      for (let n = 0; n < count; ++n) mean += channel[first + n]! / size;
      for (let n = 0; n < size; ++n) {
        frame[n] = ((n < count ? channel[first + n]! : 0) - mean) * window[n]!;
      }
      fourier.addPower(frame, one);
    }
    for (let k = 0; k < power.length; ++k) power[k]! += weight * one[k]!;
  };
  let windows = 0;
  for (let first = 0; first + size <= frames; ) {
    const weight = windows < DENSE_WINDOWS ? 1 : SPARSE;
    add(first, weight);
    windows += weight;
    first += (weight * size) / 2;
  }
  if (windows === 0) add(0, 1);
  const scale = Math.max(windows, 1) * window.reduce((sum, w) => sum + w * w, 0);
  const address = instance.exports.malloc(power.length * 8);
  new Float64Array(instance.exports.memory.buffer, address, power.length).set(power.map((p) => p / scale));
  return instance.exports.band_end(address, power.length, sampleRate / size);
}

/** Highest cut-off that the running estimator held, 0 without evidence and for a full band. */
function highestCutoff(instance: Instance, channels: readonly Float32Array[], sampleRate: number): number {
  const lines = ESTIMATOR_FRAME / 2 + 1;
  const hop = Math.max(1, Math.round((ESTIMATOR_FRAME / 2) * (sampleRate / ESTIMATOR_HZ)));
  const lineHz = sampleRate / (2 * hop);
  const scale = (lineHz * ESTIMATOR_FRAME) / ESTIMATOR_HZ;
  const bandHz = Math.min(sampleRate, ESTIMATOR_HZ) / 2;
  const fourier = new Fourier(2 * hop);
  const window = Float64Array.from({ length: 2 * hop }, (_, n) => Math.sin((Math.PI * n) / (2 * hop)));
  const estimator = instance.exports.cutoff_create(bandHz);
  const address = instance.exports.malloc(lines * 4);
  const known = Math.min(hop, ESTIMATOR_FRAME / 2) + 1;
  const power = new Float64Array(hop + 1);
  const frame = new Float64Array(2 * hop);
  const advance = PIECE_HOPS * hop;
  const frames = channels[0]!.length;
  let highest = 0;
  for (let piece = 0; (piece + 1) * advance + hop <= frames; ++piece) {
    if (piece >= DENSE_PIECES && piece % SPARSE !== 0) continue;
    for (let h = 0; h < PIECE_HOPS; ++h) {
      const first = piece * advance + h * hop;
      power.fill(0);
      for (const channel of channels) {
        for (let n = 0; n < 2 * hop; ++n) frame[n] = channel[first + n]! * window[n]!;
        fourier.addPower(frame, power);
      }
      const given = instance.floats(address, lines);
      let top = 0;
      for (let k = 0; k < known; ++k) {
        given[k] = power[k]! * (ESTIMATOR_FRAME / 2 / hop);
        if (k >= known - TOP_LINES) top += given[k]! / TOP_LINES;
      }
      given.fill(top, known);
      highest = Math.max(highest, instance.exports.cutoff_push(estimator, address) * scale);
    }
  }
  return highest < bandHz - 2 * lineHz ? highest : 0;
}
