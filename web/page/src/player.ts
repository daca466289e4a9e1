import { Comparison, fade, type Side } from "./comparison.js";
import { loudness } from "./loudness.js";

const FADED_MS = 30;

/** Plays a recording before and after, in step and equally loud. */
export class Player {
  onChange: () => void = () => {};

  readonly #context: AudioContext;
  readonly #comparison: Comparison;
  #buffers: [AudioBuffer, AudioBuffer] | null = null;
  #sources: AudioBufferSourceNode[] = [];
  #offset = 0; // seconds into the recording when the sources started, or where they will
  #started = 0; // on the context's clock
  #turn = 0; // of the last call that began or ended playback

  constructor(context: AudioContext) {
    this.#context = context;
    this.#comparison = new Comparison(context);
    this.#comparison.output.gain.value = 0;
    this.#comparison.output.connect(context.destination);
  }

  get duration(): number {
    return this.#buffers?.[0].duration ?? 0;
  }
  get playing(): boolean {
    return this.#sources.length > 0;
  }
  get position(): number {
    const run = this.playing ? this.#context.currentTime - this.#started : 0;
    return Math.min(this.#offset + Math.max(run, 0), this.duration);
  }

  get side(): Side {
    return this.#comparison.side;
  }
  set side(side: Side) {
    this.#comparison.side = side;
  }

  /** Takes two versions of one length; returns the gain in dB that makes `after` as loud as `before`. */
  load(before: AudioBuffer, after: AudioBuffer): number {
    const goOn = this.playing;
    const position = this.position;
    ++this.#turn;
    this.#end();
    this.#buffers = [before, after];
    this.#offset = Math.min(position, this.duration);
    const difference = loudness(channelsOf(before)) - loudness(channelsOf(after));
    const gain = Number.isFinite(difference) ? difference : 0;
    // The louder one is turned down, so that nothing clips.
    this.#comparison.levels = { before: 10 ** (Math.min(0, -gain) / 20), after: 10 ** (Math.min(0, gain) / 20) };
    if (goOn) void this.play();
    return gain;
  }

  async play(): Promise<void> {
    if (this.#buffers === null || this.playing) return;
    const turn = ++this.#turn;
    await this.#context.resume();
    if (turn !== this.#turn) return; // paused, moved or loaded meanwhile
    if (this.#offset >= this.duration) this.#offset = 0;
    const [before, after] = this.#buffers;
    this.#sources = [this.#source(before, this.#comparison.before), this.#source(after, this.#comparison.after)];
    this.#started = this.#context.currentTime;
    for (const source of this.#sources) source.start(this.#started, this.#offset);
    this.#sources[0]!.onended = () => {
      this.#end();
      this.#offset = 0;
      this.onChange();
    };
    fade(this.#comparison.output.gain, 1, this.#context);
    this.onChange();
  }

  pause(): void {
    ++this.#turn;
    if (!this.playing) return;
    this.#offset = this.position;
    this.#end();
    this.onChange();
  }

  seek(seconds: number): void {
    const goOn = this.playing;
    this.#end();
    this.#offset = Math.max(0, Math.min(seconds, this.duration));
    if (goOn) void this.play();
    else ++this.#turn;
    this.onChange();
  }

  /** Fades the sources out, and forgets them. */
  #end(): void {
    const ending = this.#sources;
    this.#sources = [];
    if (ending.length === 0) return;
    ending[0]!.onended = null;
    fade(this.#comparison.output.gain, 0, this.#context);
    for (const source of ending) source.stop(this.#context.currentTime + FADED_MS / 1000);
  }

  #source(buffer: AudioBuffer, to: AudioNode): AudioBufferSourceNode {
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(to);
    return source;
  }
}

export function channelsOf(buffer: AudioBuffer): Float32Array<ArrayBuffer>[] {
  return Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
}
