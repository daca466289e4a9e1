import { load, workletUrl, type Loaded, type ModelOptions } from "./assets.js";
import { Engine, type EngineStats } from "./engine.js";
import { NovaSRError } from "./errors.js";
import type { FromProcessor, ProcessorOptions, ToProcessor } from "./messages.js";
import { checkedParameters, checkWhole, type Mode, type ModelName, type Parameters } from "./parameters.js";

/** For `NovaSRNode.create`, and, once the model is loaded, for `new NovaSRNode`. */
export interface NovaSRNodeOptions extends ModelOptions, Partial<Parameters> {
  /** Channels of input and output, 1 to 32; default 2. Mono input costs no more with the model `base`. */
  channelCount?: number;
}

const MOST_CHANNELS = 32;

/** What a context has, which has an audio thread of its own. */
interface Prepared {
  worklet: Promise<void>;
  models: Map<ModelName | object, Loaded>;
}
const prepared = new WeakMap<BaseAudioContext, Prepared>();
const keyOf = ({ model = "base", weights }: ModelOptions) => weights ?? model;

/** Begins to load the worklet; after a failure the next call tries again. */
function prepare(context: BaseAudioContext, url: string): Prepared {
  const worklet = context.audioWorklet.addModule(url).catch((error: unknown) => {
    prepared.delete(context);
    throw new NovaSRError(
      `cannot load ${url} (${String(error)}): serve the files of novasr/dist, or say where they are with ` +
        `the option assets`,
    );
  });
  const made = { worklet, models: new Map() };
  prepared.set(context, made);
  return made;
}

// Where there is no Web Audio, as on a server, the package can be imported all the same.
const Base = (globalThis.AudioWorkletNode ?? class {}) as typeof AudioWorkletNode;

/**
 * Extends the band of what passes through it.
 *
 * @example
 * const node = await NovaSRNode.create(context);
 * source.connect(node).connect(context.destination);
 */
export class NovaSRNode extends Base {
  /** What the output lags behind the input, in seconds: constant and exact. */
  readonly latency: number;
  /** The same in frames of the context's rate. */
  readonly latencyFrames: number;

  #mode: Mode;
  #crossover: number;
  #asked = 0;
  readonly #waiting = new Map<number, (stats: EngineStats) => void>();

  /**
   * Loads a model into a context, after which `new NovaSRNode(context)` works at once. Throws NovaSRError.
   */
  static async load(context: BaseAudioContext, options: ModelOptions = {}): Promise<void> {
    if (context.audioWorklet === undefined) {
      throw new NovaSRError("this page has no AudioWorklet: serve it over https or from localhost");
    }
    const { worklet, models } = prepared.get(context) ?? prepare(context, String(workletUrl(options.assets)));
    const [model] = await Promise.all([load(options), worklet]);
    models.set(keyOf(options), model);
  }

  /** Loads the model and makes a node. Throws NovaSRError. */
  static async create(context: BaseAudioContext, options: NovaSRNodeOptions = {}): Promise<NovaSRNode> {
    await NovaSRNode.load(context, options);
    return new NovaSRNode(context, options);
  }

  /** Throws NovaSRError, for one if the model is not loaded or a value is out of range. */
  constructor(context: BaseAudioContext, options: NovaSRNodeOptions = {}) {
    const parameters = checkedParameters(options);
    const channels = checkWhole("channelCount", options.channelCount ?? 2, 1, MOST_CHANNELS);
    const model = prepared.get(context)?.models.get(keyOf(options));
    if (model === undefined) {
      const named = options.model === "wide" ? ', { model: "wide" }' : "";
      const asked = options.weights === undefined ? named : ", { weights }";
      throw new NovaSRError(
        `the model is not loaded: await NovaSRNode.load(context${asked}) first, or use NovaSRNode.create`,
      );
    }
    const { sampleRate } = context;
    // Says on this thread what cannot work, and how long it takes.
    const probe = new Engine(model.module, { ...model, sampleRate, outputRate: sampleRate, channels });
    if (!probe.extends) {
      throw new NovaSRError(
        `a context at ${sampleRate} Hz has no room above the input's band: use new AudioContext({ sampleRate: 48000 })`,
      );
    }
    const processorOptions: ProcessorOptions = {
      ...model,
      channels,
      mode: parameters.mode,
      crossover: parameters.crossover,
    };
    super(context, "novasr", {
      channelCount: channels,
      channelCountMode: "explicit",
      outputChannelCount: [channels],
      parameterData: {
        mix: parameters.mix,
        highBandGain: parameters.highBandGain,
        outputGain: parameters.outputGain,
        bypass: Number(parameters.bypass),
      },
      processorOptions,
    });
    this.latencyFrames = probe.latency;
    this.latency = probe.latency / sampleRate;
    this.#mode = parameters.mode;
    this.#crossover = parameters.crossover;
    this.port.onmessage = ({ data }: MessageEvent<FromProcessor>) => {
      if (data.kind !== "stats") return;
      this.#waiting.get(data.id)?.(data.stats);
      this.#waiting.delete(data.id);
    };
  }

  /** From 0, the delayed input, to 1. */
  get mix(): AudioParam {
    return this.#parameter("mix");
  }
  /** Gain of what the model adds, in dB. */
  get highBandGain(): AudioParam {
    return this.#parameter("highBandGain");
  }
  /** Gain of the whole output, in dB. */
  get outputGain(): AudioParam {
    return this.#parameter("outputGain");
  }
  /** 1 lets the delayed input pass: to compare, without clicks. */
  get bypass(): AudioParam {
    return this.#parameter("bypass");
  }

  get mode(): Mode {
    return this.#mode;
  }
  set mode(mode: Mode) {
    this.#mode = checkedParameters({ mode }).mode;
    this.#update();
  }

  /** In Hz. */
  get crossover(): number {
    return this.#crossover;
  }
  set crossover(crossover: number) {
    this.#crossover = checkedParameters({ crossover }).crossover;
    this.#update();
  }

  /** Counters and the cut-off of the input, from the audio thread; it answers while the context runs. */
  stats(): Promise<EngineStats> {
    const id = this.#asked++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#tell({ kind: "stats", id });
    });
  }

  /** Begins a fresh stream. */
  reset(): void {
    this.#tell({ kind: "reset" });
  }

  /** Ends the node for good: the audio thread forgets it. */
  close(): void {
    this.disconnect();
    this.#tell({ kind: "close" });
  }

  #update(): void {
    this.#tell({ kind: "set", mode: this.#mode, crossover: this.#crossover });
  }

  #tell(message: ToProcessor): void {
    this.port.postMessage(message);
  }

  #parameter(name: string): AudioParam {
    return this.parameters.get(name)!;
  }
}
