/** What runs in the background: one recording, then the worker is done. */
import type { FromWorker, Job } from "./messages.js";
import { extendRecording } from "./recording.js";

const TELL_EVERY_MS = 50;

const tell = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, { transfer });

self.onmessage = ({ data }: MessageEvent<Job>) => {
  let told = 0;
  const onProgress = (share: number) => {
    const now = performance.now();
    if (now - told < TELL_EVERY_MS) return;
    told = now;
    tell({ kind: "progress", share });
  };
  try {
    const done = extendRecording(data.channels, data.sampleRate, { ...data, onProgress });
    tell({ kind: "done", ...done }, done.channels.map((channel) => channel.buffer));
  } catch (error) {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
};
