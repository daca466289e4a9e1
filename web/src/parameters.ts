import { NovaSRError } from "./errors.js";

/** Of the models that come with the package: `base` from 16 kHz input on, `wide` for any band of 2 to 16 kHz. */
export type ModelName = "base" | "wide";

/** Keep the input below the crossover and add the model's band above it, or put out the model's output alone. */
export type Mode = "extend" | "full";

/** What may change while audio runs. */
export interface Parameters {
  /** Default `"extend"`. The model `wide` has no other mode. */
  mode: Mode;
  /** Where the model takes over in mode `"extend"`, in Hz, 4000 to 8000; default 7100. */
  crossover: number;
  /** From 0, the delayed input, to 1, the default. */
  mix: number;
  /** Gain of what the model adds, in dB, -24 to 12; default 0. */
  highBandGain: number;
  /** Gain of the whole output, in dB, -60 to 24; default 0. */
  outputGain: number;
  /** Let the delayed input pass; default false. */
  bypass: boolean;
}

/** A range, as in the core's parameters.hpp. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly initial: number;
}

export const RANGES = {
  crossover: { low: 4000, high: 8000, initial: 7100 },
  mix: { low: 0, high: 1, initial: 1 },
  highBandGain: { low: -24, high: 12, initial: 0 },
  outputGain: { low: -60, high: 24, initial: 0 },
} as const satisfies Record<string, Range>;

export const DEFAULTS: Readonly<Parameters> = {
  mode: "extend",
  crossover: RANGES.crossover.initial,
  mix: RANGES.mix.initial,
  highBandGain: RANGES.highBandGain.initial,
  outputGain: RANGES.outputGain.initial,
  bypass: false,
};

export function checkNumber(name: string, value: unknown, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  throw new NovaSRError(`${name} is ${String(value)}; choose a number from ${low} to ${high}`);
}

export function checkWhole(name: string, value: unknown, low: number, high: number): number {
  if (Number.isInteger(checkNumber(name, value, low, high))) return value as number;
  throw new NovaSRError(`${name} is ${String(value)}; choose a whole number from ${low} to ${high}`);
}

export function checkChoice<Choice extends string>(
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  if (choices.includes(value as Choice)) return value as Choice;
  const listed = choices.map((choice) => `"${choice}"`).join(" or ");
  throw new NovaSRError(`${name} is ${JSON.stringify(value)}; choose ${listed}`);
}

/** Those of `given` that are parameters, over the defaults. Throws NovaSRError. */
export function checkedParameters(given: Partial<Parameters>): Parameters {
  const all = { ...DEFAULTS };
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    if (given[name] === undefined) continue;
    all[name] = checkNumber(name, given[name], RANGES[name].low, RANGES[name].high);
  }
  if (given.mode !== undefined) all.mode = checkChoice("mode", given.mode, ["extend", "full"]);
  if (given.bypass !== undefined) all.bypass = Boolean(given.bypass);
  return all;
}
