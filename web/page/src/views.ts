import { Fourier } from "../../src/fourier.js";
import { colourOf } from "./colours.js";

const FRAME = 1024;
const TOP_HZ = 24_000;
const LINES_HZ = [4_000, 8_000, 16_000];
const COLUMNS_AT_ONCE = 100;

/** Gives the canvas the pixels of its place on the screen. */
function fit(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  return canvas.getContext("2d")!;
}

/** Waveform of a recording, with a cursor; or of what comes in, from right to left. */
export class WaveView {
  #picture: ImageData | null = null;

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly colour: string,
  ) {}

  draw(channel: Float32Array): void {
    const context = fit(this.canvas);
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    context.fillStyle = colourNamed(this.colour);
    for (let x = 0; x < width; ++x) {
      const from = Math.floor((x * channel.length) / width);
      const to = Math.max(from + 1, Math.floor(((x + 1) * channel.length) / width));
      let low = 0;
      let high = 0;
      for (let i = from; i < to; ++i) {
        low = Math.min(low, channel[i]!);
        high = Math.max(high, channel[i]!);
      }
      this.#bar(context, x, low, high);
    }
    this.#picture = context.getImageData(0, 0, width, height);
  }

  cursor(share: number): void {
    if (this.#picture !== null) drawCursor(this.canvas, this.#picture, share, colourNamed("--text"));
  }

  start(): void {
    fit(this.canvas);
    this.#picture = null;
  }

  /** Adds a column to the right. */
  push(samples: Float32Array): void {
    const context = scroll(this.canvas);
    const x = this.canvas.width - 1;
    context.clearRect(x, 0, 1, this.canvas.height);
    context.fillStyle = colourNamed(this.colour);
    this.#bar(context, x, Math.min(...samples), Math.max(...samples));
  }

  #bar(context: CanvasRenderingContext2D, x: number, low: number, high: number): void {
    const middle = this.canvas.height / 2;
    const top = middle * (1 - Math.min(1, high));
    const bottom = middle * (1 - Math.max(-1, low));
    context.fillRect(x, top, 1, Math.max(1, bottom - top));
  }
}

/** Spectrogram up to 24 kHz of a recording at 48 kHz, with a cursor; or of what comes in, from right to left. */
export class SpectrumView {
  #picture: ImageData | null = null;
  #drawing = 0;

  constructor(readonly canvas: HTMLCanvasElement) {}

  /** Resolves when all is drawn; another call ends this one. */
  async draw(channel: Float32Array, sampleRate: number): Promise<void> {
    const drawing = ++this.#drawing;
    const context = fit(this.canvas);
    const { width, height } = this.canvas;
    const picture = context.createImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    pixels.fill(colourOf(-Infinity, 0));
    const fourier = new Fourier(FRAME);
    const window = Float64Array.from({ length: FRAME }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME));
    const frame = new Float64Array(FRAME);
    const power = new Float64Array(FRAME / 2 + 1);
    const perColumn = channel.length / width;
    const frames = Math.max(1, Math.min(4, Math.round(perColumn / (FRAME / 2))));
    for (let x = 0; x < width; ++x) {
      power.fill(0);
      for (let f = 0; f < frames; ++f) {
        const first = Math.round((x + (f + 0.5) / frames) * perColumn) - FRAME / 2;
        for (let n = 0; n < FRAME; ++n) frame[n] = (channel[first + n] ?? 0) * window[n]!;
        fourier.addPower(frame, power);
      }
      for (let y = 0; y < height; ++y) {
        const hz = TOP_HZ * (1 - (y + 0.5) / height);
        const db = 10 * Math.log10(power[Math.round((hz * FRAME) / sampleRate)]! / frames + 1e-12);
        pixels[y * width + x] = colourOf(db, 36);
      }
      if (x % COLUMNS_AT_ONCE === COLUMNS_AT_ONCE - 1) {
        context.putImageData(picture, 0, 0);
        await new Promise((resolve) => setTimeout(resolve));
        if (drawing !== this.#drawing) return;
      }
    }
    context.putImageData(picture, 0, 0);
    this.#scale(context);
    this.#picture = context.getImageData(0, 0, width, height);
  }

  cursor(share: number): void {
    if (this.#picture !== null) drawCursor(this.canvas, this.#picture, share, "#ffffff");
  }

  start(): void {
    ++this.#drawing;
    this.#picture = null;
    const context = fit(this.canvas);
    context.fillStyle = "#000004";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Adds a column to the right: levels in dB of an AnalyserNode, from 0 Hz to half the rate. */
  push(levels: Float32Array, sampleRate: number): void {
    const context = scroll(this.canvas);
    const { width, height } = this.canvas;
    const column = context.createImageData(1, height);
    const pixels = new Uint32Array(column.data.buffer);
    for (let y = 0; y < height; ++y) {
      const hz = TOP_HZ * (1 - (y + 0.5) / height);
      const line = Math.round((hz / (sampleRate / 2)) * levels.length);
      pixels[y] = colourOf(levels[line] ?? -Infinity, -25);
    }
    context.putImageData(column, width - 1, 0);
  }

  #scale(context: CanvasRenderingContext2D): void {
    const { width, height } = this.canvas;
    const size = Math.max(10, Math.round((11 * width) / Math.max(1, this.canvas.clientWidth)));
    context.font = `${size}px system-ui, "DejaVu Sans", sans-serif`;
    context.fillStyle = context.strokeStyle = "#ffffff";
    context.textBaseline = "bottom";
    for (const hz of LINES_HZ) {
      const y = Math.round(height * (1 - hz / TOP_HZ)) + 0.5;
      context.globalAlpha = 0.3;
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(width, y);
      context.stroke();
      context.globalAlpha = 0.9;
      context.fillText(`${hz / 1000} kHz`, 4, y - 2);
    }
    context.globalAlpha = 1;
  }
}

function scroll(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d")!;
  context.globalCompositeOperation = "copy";
  context.drawImage(canvas, -1, 0);
  context.globalCompositeOperation = "source-over";
  return context;
}

function drawCursor(canvas: HTMLCanvasElement, picture: ImageData, share: number, colour: string): void {
  const context = canvas.getContext("2d")!;
  context.putImageData(picture, 0, 0);
  context.fillStyle = colour;
  context.fillRect(Math.min(canvas.width - 2, Math.round(share * canvas.width)), 0, 2, canvas.height);
}

function colourNamed(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
