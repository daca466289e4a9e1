/** What runs on the audio thread: the engine as an AudioWorkletProcessor. */
import { Engine } from "./engine.js";
import type { FromProcessor, ProcessorOptions, ToProcessor } from "./messages.js";
import { DEFAULTS, RANGES, type Parameters, type Range } from "./parameters.js";

const BLOCK_FRAMES = 128;
const TAIL_SECONDS = 0.25; // more than any latency and fade: what is still inside after the last input

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  constructor();
}
declare function registerProcessor(name: string, processor: unknown): void;
declare const sampleRate: number;

const described = (name: string, { low, high, initial }: Range) =>
  ({ name, minValue: low, maxValue: high, defaultValue: initial, automationRate: "k-rate" }) as const;

class NovaSRProcessor extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [
      described("mix", RANGES.mix),
      described("highBandGain", RANGES.highBandGain),
      described("outputGain", RANGES.outputGain),
      described("bypass", { low: 0, high: 1, initial: 0 }),
    ];
  }

  readonly #engine: Engine;
  readonly #channels: number;
  readonly #parameters: Parameters;
  #silence = 0; // seconds since the last input

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
    this.#parameters = { ...DEFAULTS, mode, crossover };
    this.port.onmessage = ({ data }: MessageEvent<ToProcessor>) => this.#obey(data);
    this.#tell({ kind: "ready" });
  }

  /** Never allocates. */
  process(
    inputs: readonly (readonly Float32Array[])[],
    outputs: readonly (readonly Float32Array[])[],
    values: Record<string, Float32Array>,
  ): boolean {
    const input = inputs[0]!;
    const output = outputs[0]!;
    const frames = output[0]!.length;
    const engine = this.#engine;
    const parameters = this.#parameters;
    parameters.mix = values["mix"]![0]!;
    parameters.highBandGain = values["highBandGain"]![0]!;
    parameters.outputGain = values["outputGain"]![0]!;
    parameters.bypass = values["bypass"]![0]! >= 0.5;
    engine.set(parameters);
    for (let first = 0; first < frames; first += BLOCK_FRAMES) {
      const count = Math.min(BLOCK_FRAMES, frames - first);
      for (let c = 0; c < this.#channels; ++c) {
        const to = engine.input[c]!;
        const from = input[c];
        if (from === undefined) to.fill(0);
        else for (let i = 0; i < count; ++i) to[i] = from[first + i]!;
      }
      engine.process(count);
      for (let c = 0; c < this.#channels; ++c) {
        const from = engine.output[c]!;
        const to = output[c]!;
        for (let i = 0; i < count; ++i) to[first + i] = from[i]!;
      }
    }
    this.#silence = input.length === 0 ? this.#silence + frames / sampleRate : 0;
    return this.#silence < TAIL_SECONDS;
  }

  #obey(message: ToProcessor): void {
    if (message.kind === "set") {
      this.#parameters.mode = message.mode;
      this.#parameters.crossover = message.crossover;
    } else if (message.kind === "reset") {
      this.#engine.reset();
    } else {
      this.#tell({ kind: "stats", id: message.id, stats: this.#engine.stats });
    }
  }

  #tell(message: FromProcessor): void {
    this.port.postMessage(message);
  }
}

registerProcessor("novasr", NovaSRProcessor);
