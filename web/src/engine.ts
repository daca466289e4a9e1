import { NovaSRError } from "./errors.js";
import { DEFAULTS, type Parameters } from "./parameters.js";

/** What the module exports; see engine/novasr_web.cpp. Addresses are in its memory. */
interface Exports {
  memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  _initialize?(): void;
  error(): number;
  create(
    weights: number,
    bytes: number,
    sampleRate: number,
    outputRate: number,
    channels: number,
    blockFrames: number,
    offline: number,
    sourceBandHz: number,
  ): number;
  parameters(engine: number): number;
  input(engine: number, channel: number): number;
  output(engine: number, channel: number): number;
  output_capacity(engine: number): number;
  process(engine: number, frames: number): number;
  flush(engine: number): number;
  reset(engine: number): void;
  latency(engine: number): number;
  output_rate(engine: number): number;
  extends(engine: number): number;
  any_band(engine: number): number;
  cutoff(engine: number): number;
  nonfinite(engine: number): number;
  band_end(power: number, lines: number, hzPerLine: number): number;
  judge(bandwidthHz: number, sampleRateHz: number, anyBand: number): number;
  verdict(): number;
  cutoff_create(priorHz: number): number;
  cutoff_push(estimator: number, power: number): number;
}

/** Order of the parameters in the module's memory. */
export const VALUES = ["mode", "crossover", "mix", "highBandGain", "outputGain", "bypass"] as const;

const BAD_DESCRIPTOR = 8; // WASI's errno: the module has no files

/** An instance of the module, and its memory. */
export class Instance {
  readonly exports: Exports;

  constructor(module: WebAssembly.Module) {
    const imports: WebAssembly.Imports = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      (imports[from] ??= {})[name] = (...given: number[]) => this.#host(name, given);
    }
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
    this.exports._initialize?.();
  }

  /** Runs `work`; what the core throws becomes a NovaSRError, after which the instance is of no use. */
  guarded<Result>(work: (exports: Exports) => Result): Result {
    try {
      return work(this.exports);
    } catch (error) {
      const message = this.text(this.exports.error());
      throw message ? new NovaSRError(message, { cause: error }) : error;
    }
  }

  /** Copies bytes into the memory and returns their address. */
  copy(bytes: Uint8Array): number {
    const address = this.exports.malloc(bytes.length);
    new Uint8Array(this.exports.memory.buffer, address, bytes.length).set(bytes);
    return address;
  }

  floats(address: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.exports.memory.buffer as ArrayBuffer, address, count);
  }

  text(address: number): string {
    const bytes = new Uint8Array(this.exports.memory.buffer, address);
    let text = ""; // an AudioWorklet has no TextDecoder
    for (let i = 0; bytes[i]; ++i) text += String.fromCharCode(bytes[i]!);
    return text;
  }

  /** What the C++ library asks of its host: no environment, no files, and an end. */
  #host(name: string, given: number[]): number {
    if (name === "environ_sizes_get") {
      const words = new Uint32Array(this.exports.memory.buffer);
      words[given[0]! >> 2] = words[given[1]! >> 2] = 0;
    }
    if (name === "proc_exit" || name === "abort") throw new NovaSRError("the engine ended: out of memory");
    return name.startsWith("fd_") ? BAD_DESCRIPTOR : 0;
  }
}

/** What an engine is made for. */
export interface EngineOptions {
  /** Bytes of a weights file; the built-in weights of the model `base` by default. */
  weights?: Uint8Array | undefined;
  /** Of the input, in Hz, 8000 to 192000. */
  sampleRate: number;
  /** In Hz: `sampleRate`, or that of the model, 48000, the default. */
  outputRate?: number | undefined;
  /** 1 to 256; default 1. */
  channels?: number;
  /** Most frames of a call of `process`; default 128. */
  blockFrames?: number;
  /** Favour speed over latency, for whole recordings; default false. */
  offline?: boolean;
  /** Where the band of the source is known to end, in Hz; by default half its rate. */
  sourceBand?: number | undefined;
}

/** Counters and measurements of a running stream. */
export interface EngineStats {
  /** Where the model found the end of the input's band, in Hz; 0 if it does not look for it. */
  cutoff: number;
  /** Samples of the input that were NaN or infinite, and became 0. */
  nonfiniteSamples: number;
}

/**
 * The native engine, for your own worker or Node: copy a block to `input`, call `process`, and read `output`.
 * Nothing but the constructor allocates.
 */
export class Engine {
  /** Latency in frames of the output: constant, exact, and the same for any block size. */
  readonly latency: number;
  /** In Hz. */
  readonly outputRate: number;
  /** Whether the output rate leaves room for a band above the input's. */
  readonly extends: boolean;
  /** Whether the model extends any band, from wherever it ends. */
  readonly anyBand: boolean;
  /** One view for each channel, `blockFrames` long. */
  readonly input: readonly Float32Array<ArrayBuffer>[];
  /** One view for each channel, as long as the longest output of a block and of `flush`. */
  readonly output: readonly Float32Array<ArrayBuffer>[];

  /** @internal What `set` writes, in the order of VALUES: the audio thread writes it without making numbers. */
  readonly values: Float32Array;

  readonly #exports: Exports;
  readonly #engine: number;

  constructor(module: WebAssembly.Module, options: EngineOptions) {
    const { weights, sampleRate, outputRate = 0, channels = 1, blockFrames = 128 } = options;
    const instance = new Instance(module);
    const exports = (this.#exports = instance.exports);
    this.#engine = instance.guarded(() => {
      const address = weights === undefined ? 0 : instance.copy(weights);
      const bytes = weights === undefined ? 0 : weights.length;
      const offline = Number(options.offline ?? false);
      const band = options.sourceBand ?? 0;
      return exports.create(address, bytes, sampleRate, outputRate, channels, blockFrames, offline, band);
    });
    const engine = this.#engine;
    this.latency = exports.latency(engine);
    this.outputRate = exports.output_rate(engine);
    this.extends = Boolean(exports.extends(engine));
    this.anyBand = Boolean(exports.any_band(engine));
    const capacity = exports.output_capacity(engine);
    const each = (address: (engine: number, channel: number) => number, frames: number) =>
      Array.from({ length: channels }, (_, c) => instance.floats(address(engine, c), frames));
    this.input = each(exports.input, blockFrames);
    this.output = each(exports.output, capacity);
    this.values = instance.floats(exports.parameters(engine), VALUES.length);
    this.set(DEFAULTS);
  }

  /** Takes effect with the next block; fades last 10 ms. Values are not checked. */
  set(p: Readonly<Parameters>): void {
    const { mode, crossover, mix, highBandGain, outputGain, bypass } = p;
    this.values.set([mode === "full" ? 1 : 0, crossover, mix, highBandGain, outputGain, bypass ? 1 : 0]);
  }

  /** Takes so many frames of `input`, up to its length; returns how many were written to `output`. */
  process(frames: number): number {
    if (!(frames >= 0 && frames <= this.input[0]!.length)) {
      throw new NovaSRError(`${frames} frames: a block has 0 .. ${this.input[0]!.length}, as blockFrames said`);
    }
    return this.#exports.process(this.#engine, frames);
  }

  /** Ends the stream and returns how many frames were written to `output`; only `reset` may follow. */
  flush(): number {
    return this.#exports.flush(this.#engine);
  }

  /** The next block begins a fresh stream. */
  reset(): void {
    this.#exports.reset(this.#engine);
  }

  get stats(): EngineStats {
    return {
      cutoff: this.#exports.cutoff(this.#engine),
      nonfiniteSamples: this.#exports.nonfinite(this.#engine),
    };
  }
}
