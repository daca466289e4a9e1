import type { Verdict } from "./bandwidth.js";
import type { EngineStats } from "./engine.js";
import type { Parameters } from "./parameters.js";

/** Of the node to the audio thread: `processorOptions`. */
export interface ProcessorOptions {
  module: WebAssembly.Module;
  weights: Uint8Array | undefined;
  channels: number;
  mode: Parameters["mode"];
  crossover: number;
}

/** Of the node to the audio thread. */
export type ToProcessor =
  | { kind: "set"; mode: Parameters["mode"]; crossover: number }
  | { kind: "reset" }
  | { kind: "close" }
  | { kind: "stats"; id: number };

/** Of the audio thread to the node. */
export type FromProcessor = { kind: "ready" } | { kind: "stats"; id: number; stats: EngineStats };

/** Of `enhance` to the worker. */
export interface Job {
  module: WebAssembly.Module;
  weights: Uint8Array | undefined;
  channels: Float32Array[];
  sampleRate: number;
  parameters: Parameters;
  force: boolean;
}

/** Of the worker to `enhance`. */
export type FromWorker =
  | { kind: "progress"; share: number }
  | { kind: "done"; channels: Float32Array<ArrayBuffer>[]; bandwidth: number; verdict: Verdict; left: boolean }
  | { kind: "failed"; message: string };
