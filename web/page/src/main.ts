import { enhance, type ModelName, type Verdict } from "novasr";

import sampleUrl from "../../../docs/audio/speech-16k.flac?url";
import { type Side } from "./comparison.js";
import { decode, type Decoded } from "./decode.js";
import { Microphone } from "./microphone.js";
import { channelsOf, Player } from "./player.js";
import { SpectrumView, WaveView } from "./views.js";
import { peakOf, wavFile } from "./wav.js";

const RATE_HZ = 48_000;
const SAMPLE = "speech-16k.flac";
const LONGEST_SECONDS = 15 * 60; // more would not fit in the memory of a phone

const SIDES = ["before", "after"] as const;
const RECORDED = ["play", "download", "seek", "level-note"]; // what only a recording has

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
let shown: { before: AudioBuffer; after: AudioBuffer } | null = null;
let microphone: Microphone | null = null;
let work = new AbortController();
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

/** Ends what is being done, and gives the signal of what begins. */
function begin(): AbortSignal {
  work.abort();
  work = new AbortController();
  stopMicrophone();
  return work.signal;
}

async function open(name: string, bytes: () => Promise<ArrayBuffer>): Promise<void> {
  const signal = begin();
  say(`Reading ${name} ...`);
  const decoded = await decode(await bytes(), name);
  signal.throwIfAborted();
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
  const signal = begin();
  const { channels, sampleRate, name } = recording;
  const model = chosenModel();
  say(`Enhancing ${name} with ${model} ...`);
  progress.value = 0;
  progress.hidden = false;
  const started = performance.now();
  const highBandGain = Number(brightness.value);
  const onProgress = (share: number) => (progress.value = share);
  const [dry, made] = await Promise.all([
    enhance(recording, { mix: 0, force: true, signal }), // at 48 kHz, to be played beside the other
    enhance(recording, { model, highBandGain, signal, onProgress }),
  ]);
  const took = (performance.now() - started) / 1000;
  progress.hidden = true;
  show(dry.channels, made.channels);
  const length = clock(channels[0]!.length / sampleRate);
  say(`${name}, ${length}: ${sentence(made.verdict)} It took ${took.toFixed(1)} s.`);
  const end = made.bandwidth > 0 ? `sound to ${(made.bandwidth / 1000).toFixed(1)} kHz` : "silence";
  element("before-note").textContent = end;
  element("after-note").textContent = made.left || made.bandwidth === 0 ? end : `extended with ${model}`;
}

function sentence(verdict: Verdict): string {
  const [found, advice] = verdict.text.split(": ", 2);
  const done = { extend: "extended", narrow: advice!, leave: "left as it is", silent: advice! }[verdict.kind];
  return `${found}, ${done}.`;
}

function show(before: Float32Array<ArrayBuffer>[], after: Float32Array<ArrayBuffer>[]): void {
  const { context, player } = audioHere();
  const buffer = (channels: Float32Array<ArrayBuffer>[]) => {
    const made = context.createBuffer(channels.length, channels[0]!.length, RATE_HZ);
    for (const [c, channel] of channels.entries()) made.copyToChannel(channel, c);
    return made;
  };
  shown = { before: buffer(before), after: buffer(after) };
  result.hidden = false;
  for (const id of RECORDED) element(id).hidden = false;
  const gain = player.load(shown.before, shown.after);
  player.side = chosenSide();
  seek.max = String(player.duration);
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
  const channels = { before: mono(shown.before), after: mono(shown.after) };
  const peak = Math.max(peakOf([channels.before]), 1e-3);
  for (const side of SIDES) {
    views[side].wave.draw(channels[side], peak);
    void views[side].spectrum.draw(channels[side], RATE_HZ).then(showPosition);
  }
}

function mono(buffer: AudioBuffer): Float32Array {
  const channels = channelsOf(buffer);
  return channels.length === 1
    ? channels[0]!
    : Float32Array.from(channels[0]!, (_, i) => channels.reduce((sum, x) => sum + x[i]!, 0) / channels.length);
}

function download(): void {
  if (shown === null) return;
  let after = channelsOf(shown.after);
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
  const signal = begin();
  audio?.player.pause();
  progress.hidden = true;
  say("Waiting for the microphone ...");
  const model = chosenModel();
  const live = await Microphone.open(audioHere().context, model, Number(brightness.value));
  if (signal.aborted) return void live.stop();
  microphone = live;
  live.onEnd = () => keep();
  live.onBlock = () => {
    if (live.seconds >= LONGEST_SECONDS) keep(); // here, as a hidden tab draws nothing
  };
  live.side = chosenSide();
  live.monitored = monitor.checked = false;
  recording = shown = null;
  result.hidden = false;
  element("live").hidden = false;
  for (const id of RECORDED) element(id).hidden = true;
  element("before-note").textContent = "";
  element("after-note").textContent = `extended with ${model}`;
  for (const side of SIDES) {
    views[side].wave.start();
    views[side].spectrum.start();
  }
  say(`Recording live with ${model}: speak, and see what is added.`);
  requestAnimationFrame(() => drawLive(live));
}

function drawLive(live: Microphone): void {
  if (microphone !== live) return;
  for (const side of SIDES) {
    const analyser = live.analysers[side];
    const levels = new Float32Array(analyser.frequencyBinCount);
    const samples = new Float32Array(analyser.fftSize / 2);
    analyser.getFloatFrequencyData(levels);
    analyser.getFloatTimeDomainData(samples);
    views[side].spectrum.push(levels, RATE_HZ);
    views[side].wave.push(samples);
  }
  element("clock").textContent = clock(live.seconds);
  requestAnimationFrame(() => drawLive(live));
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
  for (const side of SIDES) {
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
