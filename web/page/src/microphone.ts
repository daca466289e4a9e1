import { NovaSRNode, type ModelName } from "novasr";

import { Comparison, fade, type Side } from "./comparison.js";

const FFT_SIZE = 2048;
const CONSTRAINTS: MediaStreamConstraints = {
  // What a browser does for calls would take the band away that is to be heard.
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};

/** What was recorded, at the rate of the context: mono, aligned. */
export interface Take {
  before: Float32Array<ArrayBuffer>;
  after: Float32Array<ArrayBuffer>;
}

/** The microphone through a NovaSRNode, seen, recorded, and heard if asked for. */
export class Microphone {
  onBlock: () => void = () => {}; // called when more was recorded
  readonly analysers: { before: AnalyserNode; after: AnalyserNode };

  readonly #stream: MediaStream;
  readonly #nodes: AudioNode[];
  readonly #recorder: AudioWorkletNode;
  readonly #blocks: Float32Array<ArrayBuffer>[][] = [];
  readonly #comparison: Comparison;
  readonly #node: NovaSRNode;

  /** Asks for the microphone. Throws an Error with a remedy. */
  static async open(context: AudioContext, model: ModelName, highBandGain: number): Promise<Microphone> {
    const stream = await allowedStream();
    try {
      await context.resume();
      await context.audioWorklet.addModule(new URL("./recorder.js", document.baseURI));
      const node = await NovaSRNode.create(context, { model, highBandGain, channelCount: 1 });
      return new Microphone(context, stream, node);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  private constructor(
    readonly context: AudioContext,
    stream: MediaStream,
    node: NovaSRNode,
  ) {
    this.#stream = stream;
    this.#node = node;
    const source = context.createMediaStreamSource(stream);
    const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    const aligned = new DelayNode(context, { delayTime: node.latency, maxDelayTime: 1 });
    const analyser = () => new AnalyserNode(context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
    this.analysers = { before: analyser(), after: analyser() };
    this.#comparison = new Comparison(context);
    this.#comparison.output.gain.value = 0;
    this.#recorder = new AudioWorkletNode(context, "recorder", { numberOfInputs: 2, numberOfOutputs: 0 });
    this.#recorder.port.onmessage = ({ data }) => {
      this.#blocks.push(data);
      this.onBlock();
    };
    source.connect(mono).connect(node);
    mono.connect(aligned).connect(this.analysers.before).connect(this.#comparison.before);
    node.connect(this.analysers.after).connect(this.#comparison.after);
    mono.connect(this.#recorder, 0, 0);
    node.connect(this.#recorder, 0, 1);
    this.#comparison.output.connect(context.destination);
    this.#nodes = [source, mono, aligned, this.#comparison.output];
  }

  set side(side: Side) {
    this.#comparison.side = side;
  }
  set monitored(on: boolean) {
    fade(this.#comparison.output.gain, on ? 1 : 0, this.context);
  }
  set highBandGain(db: number) {
    this.#node.highBandGain.value = db;
  }

  /** Called when the device is unplugged, or taken away by the browser. */
  set onEnd(listener: () => void) {
    for (const track of this.#stream.getAudioTracks()) track.onended = listener;
  }

  get seconds(): number {
    return this.#blocks.reduce((sum, block) => sum + block[0]!.length, 0) / this.context.sampleRate;
  }

  /** Lets go of the microphone and gives what was recorded. */
  stop(): Take {
    for (const track of this.#stream.getTracks()) track.stop();
    for (const node of this.#nodes) node.disconnect();
    this.#node.close();
    this.#recorder.port.postMessage("stop");
    const latency = this.#node.latencyFrames;
    const joined = (n: number) => {
      const all = new Float32Array(this.#blocks.reduce((sum, block) => sum + block[n]!.length, 0));
      let at = 0;
      for (const block of this.#blocks) {
        all.set(block[n]!, at);
        at += block[n]!.length;
      }
      return all;
    };
    const [before, after] = [joined(0), joined(1)];
    return { before: before.subarray(0, Math.max(0, before.length - latency)), after: after.subarray(latency) };
  }
}

async function allowedStream(): Promise<MediaStream> {
  if (!navigator.mediaDevices) {
    throw new Error("This page may not use a microphone: open it over https or from localhost.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError") {
      throw new Error("The microphone was refused: allow it in the browser's settings for this page, and try again.");
    }
    if (name === "NotFoundError") throw new Error("There is no microphone: plug one in, and try again.");
    if (name === "NotReadableError") {
      throw new Error("The microphone is in use: close the other program that has it, and try again.");
    }
    throw error;
  }
}
