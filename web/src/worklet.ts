/** What runs on the audio thread: the engine as an AudioWorkletProcessor. */
import { Engine, VALUES } from "./engine.js";
import type { FromProcessor, ProcessorOptions, ToProcessor } from "./messages.js";
import { DEFAULTS, RANGES, type Range } from "./parameters.js";

const BLOCK_FRAMES = 4096; // most frames of a quantum: 128, until contexts can be asked for others
const TAIL_SECONDS = 0.25; // more than any latency and fade: what is still inside after the last input

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  constructor();
}
declare function registerProcessor(name: string, processor: unknown): void;
declare const sampleRate: number;

const described = (name: string, { low, high, initial }: Range) =>
  ({ name, minValue: low, maxValue: high, defaultValue: initial, automationRate: "k-rate" }) as const;

const DESCRIBED = [
  described("mix", RANGES.mix),
  described("highBandGain", RANGES.highBandGain),
  described("outputGain", RANGES.outputGain),
  described("bypass", { low: 0, high: 1, initial: 0 }),
];

class NovaSRProcessor extends AudioWorkletProcessor {
  static readonly parameterDescriptors = DESCRIBED;

  readonly #engine: Engine;
  readonly #channels: number;
  /** Where the values of each AudioParam go, one float each. */
  readonly #automated: { readonly name: string; readonly value: Float32Array }[];
  #frames = 0; // of a quantum
  #output: Float32Array[] = [];
  #silence = 0; // frames since the last input
  #running = true; // a processor that once gives false is never asked again

  constructor({ processorOptions }: { processorOptions: ProcessorOptions }) {
    super();
    const { module, weights, channels, mode, crossover } = processorOptions;
    this.#channels = channels;
    this.#engine = new Engine(module, {
      weights,
      sampleRate,
      outputRate: sampleRate,
      channels,
      blockFrames: BLOCK_FRAMES,
    });
    this.#engine.set({ ...DEFAULTS, mode, crossover });
    this.#automated = DESCRIBED.map(({ name }) => ({ name, value: this.#slot(name) }));
    this.port.onmessage = ({ data }: MessageEvent<ToProcessor>) => this.#obey(data);
    this.#tell({ kind: "ready" });
  }

  /** Never allocates, but for the first quantum of another size. */
  process(
    inputs: readonly (readonly Float32Array[])[],
    outputs: readonly (readonly Float32Array[])[],
    values: Record<string, Float32Array>,
  ): boolean {
    const input = inputs[0]!;
    const output = outputs[0]!;
    const frames = output[0]!.length;
    const engine = this.#engine;
    this.#silence = input.length === 0 ? this.#silence + frames : 0;
    if (this.#silence > TAIL_SECONDS * sampleRate) return this.#running; // the output is silent as it is
    if (frames !== this.#frames) this.#resize(frames);
    for (let i = 0; i < this.#automated.length; ++i) {
      const { name, value } = this.#automated[i]!;
      const given = values[name]!;
      if (given.length === 1) value.set(given);
      else value[0] = given[0]!; // of an a-rate one; to read a number may leave it to the garbage collector
    }
    for (let c = 0; c < this.#channels; ++c) {
      const from = input.length === 1 ? input[0] : input[c];
      if (from === undefined) engine.input[c]!.fill(0);
      else engine.input[c]!.set(from);
    }
    engine.process(frames);
    for (let c = 0; c < this.#channels; ++c) output[c]!.set(this.#output[c]!);
    return this.#running;
  }

  #slot(name: string): Float32Array {
    const at = VALUES.findIndex((value) => value === name);
    return this.#engine.values.subarray(at, at + 1);
  }

  #resize(frames: number): void {
    this.#frames = frames;
    this.#output = this.#engine.output.map((channel) => channel.subarray(0, frames));
  }

  #obey(message: ToProcessor): void {
    if (message.kind === "set") {
      this.#slot("mode")[0] = message.mode === "full" ? 1 : 0;
      this.#slot("crossover")[0] = message.crossover;
    } else if (message.kind === "reset") {
      this.#engine.reset();
    } else if (message.kind === "close") {
      this.#running = false;
    } else {
      this.#tell({ kind: "stats", id: message.id, stats: this.#engine.stats });
    }
  }

  #tell(message: FromProcessor): void {
    this.port.postMessage(message);
  }
}

registerProcessor("novasr", NovaSRProcessor);
