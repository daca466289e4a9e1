// Debian's Chromium, without a window, and what goes wrong in it.
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.NOVASR_CHROMIUM ?? "/usr/bin/chromium";

/** Starts it; `microphone` is a WAV file that its microphone hears, or "denied". */
export function launch({ microphone } = {}) {
  const args = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"];
  if (microphone !== undefined && microphone !== "denied") {
    args.push("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
    args.push(`--use-file-for-fake-audio-capture=${microphone}`);
  }
  if (microphone === "denied") args.push("--use-fake-device-for-media-stream", "--deny-permission-prompts");
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** Collects errors and warnings of a page's console, exceptions, and what was not found. */
export function watch(page) {
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  return problems;
}
