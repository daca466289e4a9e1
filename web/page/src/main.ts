import { enhance, type ModelName, type Verdict } from "novasr";

import sampleUrl from "../../../docs/audio/speech-16k.flac?url";
import { type Side } from "./comparison.js";
import { decode, type Decoded } from "./decode.js";
import { Microphone } from "./microphone.js";
import { Player } from "./player.js";
import { SpectrumView, WaveView } from "./views.js";
import { peakOf, wavFile } from "./wav.js";

const RATE_HZ = 48_000;
const SAMPLE = "speech-16k.flac";
const LONGEST_SECONDS = 20 * 60; // more would not fit in the memory of a phone

const element = <Kind extends HTMLElement>(id: string) => document.getElementById(id) as Kind;
const file = element<HTMLInputElement>("file");
const drop = element("drop");
const sampleButton = element<HTMLButtonElement>("sample");
const microphoneButton = element<HTMLButtonElement>("microphone");
const brightness = element<HTMLInputElement>("brightness");
const progress = element<HTMLProgressElement>("progress");
const problem = element("problem");
const result = element("result");
const playButton = element<HTMLButtonElement>("play");
const seek = element<HTMLInputElement>("seek");
const monitor = element<HTMLInputElement>("monitor");
const views = {
  before: {
    wave: new WaveView(element<HTMLCanvasElement>("before-wave"), "--before"),
    spectrum: new SpectrumView(element<HTMLCanvasElement>("before-spectrum")),
  },
  after: {
    wave: new WaveView(element<HTMLCanvasElement>("after-wave"), "--accent"),
    spectrum: new SpectrumView(element<HTMLCanvasElement>("after-spectrum")),
  },
};

/** What is on the page. */
let recording: (Decoded & { name: string }) | null = null;
let shown: { before: Float32Array<ArrayBuffer>[]; after: Float32Array<ArrayBuffer>[] } | null = null;
let microphone: Microphone | null = null;
let work: AbortController | null = null;
let audio: { context: AudioContext; player: Player } | null = null;

/** A context may begin with a click only. */
function audioHere(): { context: AudioContext; player: Player } {
  if (audio === null) {
    const context = new AudioContext({ sampleRate: RATE_HZ });
    const player = new Player(context);
    player.onChange = showTransport;
    audio = { context, player };
  }
  return audio;
}

const chosenModel = () => document.querySelector<HTMLInputElement>("input[name=model]:checked")!.value as ModelName;
const chosenSide = () => document.querySelector<HTMLInputElement>("input[name=side]:checked")!.value as Side;

function say(text: string): void {
  element("status").textContent = text;
}

function complain(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}

/** Runs what may fail, and shows why. */
async function attempt(job: () => Promise<void>): Promise<void> {
  problem.hidden = true;
  try {
    await job();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    progress.hidden = true;
    say("");
    complain(error);
  }
}

// ---- A recording ----

async function open(name: string, bytes: () => Promise<ArrayBuffer>): Promise<void> {
  stopMicrophone();
  say(`Reading ${name} ...`);
  const decoded = await decode(await bytes(), name);
  const seconds = decoded.channels[0]!.length / decoded.sampleRate;
  if (seconds > LONGEST_SECONDS) {
    throw new Error(
      `${name} lasts ${clock(seconds)}: this page takes up to ${LONGEST_SECONDS / 60} minutes. ` +
        "For longer ones use the command line: novasr enhance FILE.",
    );
  }
  recording = { ...decoded, name };
  await extend();
}

async function extend(): Promise<void> {
  if (recording === null) return;
  work?.abort();
  const { signal } = (work = new AbortController());
  const { channels, sampleRate, name } = recording;
  const model = chosenModel();
  say(`Enhancing ${name} with ${model} ...`);
  progress.value = 0;
  progress.hidden = false;
  const started = performance.now();
  const [dry, made] = await Promise.all([
    enhance(recording, { mix: 0, force: true, signal }),
    enhance(recording, {
      model,
      highBandGain: Number(brightness.value),
      signal,
      onProgress: (share) => (progress.value = share),
    }),
  ]);
  const seconds = channels[0]!.length / sampleRate;
  const took = (performance.now() - started) / 1000;
  progress.hidden = true;
  show(dry.channels, made.channels);
  say(`${name}, ${clock(seconds)}: ${sentence(made.verdict)} It took ${took.toFixed(1)} s.`);
  note(made.bandwidth, made.left);
}

function sentence(verdict: Verdict): string {
  const [found, advice] = verdict.text.split(": ", 2);
  const done = { extend: "extended", narrow: advice!, leave: "left as it is", silent: advice! }[verdict.kind];
  return `${found}, ${done}.`;
}

function show(before: Float32Array<ArrayBuffer>[], after: Float32Array<ArrayBuffer>[]): void {
  shown = { before, after };
  result.hidden = false;
  element("live").hidden = true;
  for (const id of ["play", "download", "seek-row", "clock", "level-note"]) element(id).hidden = false;
  const gain = audioHere().player.load(before, after);
  audioHere().player.side = chosenSide();
  seek.max = String(audioHere().player.duration);
  element("level-note").textContent =
    Math.abs(gain) < 0.05
      ? "Both sides are equally loud (ITU-R BS.1770)."
      : `Both sides play equally loud (ITU-R BS.1770): ${gain < 0 ? "after" : "before"} is turned down by ` +
        `${Math.abs(gain).toFixed(1)} dB. The download is not.`;
  draw();
  showTransport();
}

function draw(): void {
  if (shown === null) return;
  for (const side of ["before", "after"] as const) {
    const [channel] = shown[side];
    views[side].wave.draw(channel!);
    void views[side].spectrum.draw(channel!, RATE_HZ);
  }
}

function note(bandwidth: number, left: boolean): void {
  const end = bandwidth > 0 ? `sound to ${(bandwidth / 1000).toFixed(1)} kHz` : "silence";
  element("before-note").textContent = end;
  element("after-note").textContent = left || bandwidth === 0 ? end : "sound to 24 kHz";
}

function download(): void {
  if (shown === null) return;
  let { after } = shown;
  const peak = peakOf(after);
  if (peak > 1) {
    after = after.map((channel) => channel.map((x) => x / peak));
    say(`The file is ${(20 * Math.log10(peak)).toFixed(1)} dB quieter, so that its peaks do not clip.`);
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(wavFile(after, RATE_HZ));
  link.download = `${(recording?.name ?? "recording").replace(/\.[^.]*$/, "")}-48k.wav`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// ---- The microphone ----

async function listen(): Promise<void> {
  work?.abort();
  stopMicrophone();
  audio?.player.pause();
  progress.hidden = true;
  say("Waiting for the microphone ...");
  const model = chosenModel();
  const live = await Microphone.open(audioHere().context, model, Number(brightness.value));
  microphone = live;
  live.onEnd = () => keep();
  live.side = chosenSide();
  live.monitored = monitor.checked = false;
  recording = shown = null;
  result.hidden = false;
  element("live").hidden = false;
  for (const id of ["play", "download", "seek-row", "level-note"]) element(id).hidden = true;
  element("before-note").textContent = "";
  element("after-note").textContent = model;
  for (const side of ["before", "after"] as const) {
    views[side].wave.start();
    views[side].spectrum.start();
  }
  say(`Live with ${model}: speak, and see what is added.`);
  requestAnimationFrame(() => drawLive(live));
}

function drawLive(live: Microphone): void {
  if (microphone !== live) return;
  for (const side of ["before", "after"] as const) {
    const analyser = live.analysers[side];
    const levels = new Float32Array(analyser.frequencyBinCount);
    const samples = new Float32Array(analyser.fftSize / 2);
    analyser.getFloatFrequencyData(levels);
    analyser.getFloatTimeDomainData(samples);
    views[side].spectrum.push(levels, RATE_HZ);
    views[side].wave.push(samples);
  }
  element("clock").textContent = clock(live.seconds);
  if (live.seconds >= LONGEST_SECONDS) keep();
  else requestAnimationFrame(() => drawLive(live));
}

function stopMicrophone(): ReturnType<Microphone["stop"]> | null {
  const take = microphone?.stop() ?? null;
  microphone = null;
  element("live").hidden = true;
  return take;
}

/** Ends the recording and shows it. */
function keep(): void {
  const take = stopMicrophone();
  if (take === null) return;
  if (take.before.length === 0) {
    result.hidden = true;
    say("Nothing was recorded: record for a second or more.");
    return;
  }
  recording = { channels: [take.before], sampleRate: RATE_HZ, name: "microphone.wav" };
  show([take.before], [take.after]);
  element("before-note").textContent = "as recorded";
  element("after-note").textContent = "as heard live";
  say(`${clock(take.before.length / RATE_HZ)} recorded: this is what the live engine made of it.`);
}

// ---- The page ----

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function showTransport(): void {
  if (audio === null) return;
  const { player } = audio;
  playButton.textContent = player.playing ? "Pause" : "Play";
  showPosition();
  if (player.playing) requestAnimationFrame(showTransport);
}

function showPosition(): void {
  if (audio === null || microphone !== null) return;
  const { position, duration } = audio.player;
  seek.value = String(position);
  seek.setAttribute("aria-valuetext", `${clock(position)} of ${clock(duration)}`);
  element("clock").textContent = `${clock(position)} / ${clock(duration)}`;
  for (const side of ["before", "after"] as const) {
    views[side].wave.cursor(position / duration);
    views[side].spectrum.cursor(position / duration);
  }
}

function take(chosen: File | undefined): void {
  if (chosen !== undefined) void attempt(() => open(chosen.name, () => chosen.arrayBuffer()));
}

file.addEventListener("change", () => {
  take(file.files?.[0]);
  file.value = "";
});
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer?.files[0]);
});
sampleButton.addEventListener("click", () =>
  attempt(() =>
    open(SAMPLE, async () => {
      const response = await fetch(sampleUrl);
      if (!response.ok) throw new Error(`The sample cannot be loaded (${response.status}): reload the page.`);
      return response.arrayBuffer();
    }),
  ),
);
microphoneButton.addEventListener("click", () => attempt(listen));
element("stop").addEventListener("click", keep);
monitor.addEventListener("change", () => {
  if (microphone !== null) microphone.monitored = monitor.checked;
});
playButton.addEventListener("click", () => {
  const { player } = audioHere();
  if (player.playing) player.pause();
  else void player.play();
});
seek.addEventListener("input", () => audio?.player.seek(Number(seek.value)));
element("download").addEventListener("click", download);
for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=side]")) {
  radio.addEventListener("change", () => {
    if (microphone !== null) microphone.side = chosenSide();
    else if (audio !== null) audio.player.side = chosenSide();
  });
}
for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=model]")) {
  radio.addEventListener("change", () => attempt(microphone === null ? extend : listen));
}
brightness.addEventListener("input", () => {
  const db = Number(brightness.value);
  element("brightness-value").textContent = `${db > 0 ? "+" : ""}${db} dB`;
  if (microphone !== null) microphone.highBandGain = db;
});
brightness.addEventListener("change", () => {
  if (microphone === null) void attempt(extend);
});

let resized: ReturnType<typeof setTimeout> | undefined;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => {
    draw();
    showPosition();
  }, 200);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
