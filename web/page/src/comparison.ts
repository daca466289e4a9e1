export type Side = "before" | "after";

const FADE_SECONDS = 0.005; // time constant

/** Two signals of one length in time, of which one is heard. */
export class Comparison {
  readonly before: GainNode;
  readonly after: GainNode;
  readonly output: GainNode;
  #side: Side = "after";
  #levels = { before: 1, after: 1 };

  constructor(readonly context: BaseAudioContext) {
    this.before = context.createGain();
    this.after = context.createGain();
    this.output = context.createGain();
    this.before.connect(this.output);
    this.after.connect(this.output);
    this.before.gain.value = 0;
  }

  get side(): Side {
    return this.#side;
  }
  set side(side: Side) {
    this.#side = side;
    this.#fade();
  }

  /** Factors that make both equally loud. */
  set levels(levels: { before: number; after: number }) {
    this.#levels = levels;
    this.#fade();
  }

  /** Both signals are nearly the same, so that gains whose sum stays 1 keep the level. */
  #fade(): void {
    fade(this.before.gain, this.#side === "before" ? this.#levels.before : 0, this.context);
    fade(this.after.gain, this.#side === "after" ? this.#levels.after : 0, this.context);
  }
}

/** Moves a gain without a click; over after some 25 ms. */
export function fade(gain: AudioParam, value: number, context: BaseAudioContext): void {
  gain.setTargetAtTime(value, context.currentTime, FADE_SECONDS);
}
