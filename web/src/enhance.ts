import { load, startWorker, type ModelOptions } from "./assets.js";
import { NovaSRError } from "./errors.js";
import type { FromWorker, Job } from "./messages.js";
import { checkedParameters, checkWhole, type Parameters } from "./parameters.js";
import { OUTPUT_HZ, type Extended } from "./recording.js";

/** A recording in memory: an AudioBuffer, or channels of equal length, full scale at 1. */
export type Recording =
  | Pick<AudioBuffer, "numberOfChannels" | "sampleRate" | "getChannelData">
  | { channels: readonly Float32Array[]; sampleRate: number };

export interface EnhanceOptions extends ModelOptions, Partial<Parameters> {
  /** Also extend what has its full band already; default false. */
  force?: boolean;
  /** Called with a share of the work from 0 to 1. */
  onProgress?: (share: number) => void;
  /** Ends the work. */
  signal?: AbortSignal;
}

/** What becomes of a recording. */
export interface Enhanced extends Extended {
  /** 48000 Hz. */
  sampleRate: number;
}

/**
 * Extends a whole recording to 48 kHz, aligned with the input, in a worker. What has its full band already is only
 * brought to 48 kHz, as by `novasr enhance`. Throws NovaSRError, or what the signal was aborted with.
 */
export async function enhance(recording: Recording, options: EnhanceOptions = {}): Promise<Enhanced> {
  const parameters = checkedParameters(options);
  const { channels, sampleRate } = checkedRecording(recording);
  const { signal, onProgress, force = false } = options;
  signal?.throwIfAborted();
  const loaded = await load(options);
  signal?.throwIfAborted();
  const worker = startWorker(options.assets);
  const job: Job = { ...loaded, channels, sampleRate, parameters, force };
  try {
    return await new Promise<Enhanced>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      worker.onerror = ({ message }) =>
        reject(
          new NovaSRError(
            `the worker cannot run (${message || "its file was not found"}): serve novasr/dist/worker.js, or say ` +
              `where it is with the option assets`,
          ),
        );
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "progress") onProgress?.(data.share);
        else if (data.kind === "failed") reject(new NovaSRError(data.message));
        else {
          onProgress?.(1);
          const { channels, bandwidth, verdict, left } = data;
          resolve({ channels, bandwidth, verdict, left, sampleRate: OUTPUT_HZ });
        }
      };
      worker.postMessage(job);
    });
  } finally {
    worker.terminate();
  }
}

function checkedRecording(recording: Recording): { channels: Float32Array[]; sampleRate: number } {
  const channels =
    "channels" in recording
      ? [...recording.channels]
      : Array.from({ length: recording.numberOfChannels }, (_, c) => recording.getChannelData(c));
  const sampleRate = checkWhole("sampleRate", recording.sampleRate, 8000, 192_000);
  const [first] = channels;
  if (first === undefined || first.length === 0) {
    throw new NovaSRError("the recording is empty: give at least one channel with at least one frame");
  }
  if (channels.some((channel) => channel.length !== first.length)) {
    const lengths = channels.map((channel) => channel.length).join(", ");
    throw new NovaSRError(`the channels have different lengths (${lengths}): give all of them the same`);
  }
  return { channels, sampleRate };
}
