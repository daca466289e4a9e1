import { Fourier } from "../../src/fourier.js";
import { colourOf } from "./colours.js";

const FRAME = 1024;
const TOP_HZ = 24_000;
const COLUMNS_AT_ONCE = 100;
const LOUDEST_DB = 36; // brightest, of an unscaled transform
const LOUDEST_LIVE_DB = -25; // brightest, of an AnalyserNode

/** A canvas with the pixels of its place on the screen, and a copy to draw a cursor over. */
class View {
  #picture: HTMLCanvasElement | null = null;

  constructor(readonly canvas: HTMLCanvasElement) {}

  /** Fits the canvas, empty. */
  start(): void {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    this.#picture = null;
  }

  /** Draws a cursor at a share of the width, once the picture is kept. */
  cursor(share: number): void {
    if (this.#picture === null) return;
    const context = this.context;
    context.globalCompositeOperation = "copy";
    context.drawImage(this.#picture, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.fillStyle = this.cursorColour();
    context.fillRect(Math.min(this.canvas.width - 2, Math.round(share * this.canvas.width)), 0, 2, this.canvas.height);
  }

  protected get context(): CanvasRenderingContext2D {
    return this.canvas.getContext("2d")!;
  }

  protected keep(): void {
    this.#picture = document.createElement("canvas");
    this.#picture.width = this.canvas.width;
    this.#picture.height = this.canvas.height;
    this.#picture.getContext("2d")!.drawImage(this.canvas, 0, 0);
  }

  /** Moves everything one pixel to the left. */
  protected scroll(): void {
    const context = this.context;
    context.globalCompositeOperation = "copy";
    context.drawImage(this.canvas, -1, 0);
    context.globalCompositeOperation = "source-over";
  }

  protected cursorColour(): string {
    return "#ffffff";
  }
}

/** Waveform of a recording, or of what comes in, from right to left. */
export class WaveView extends View {
  constructor(
    canvas: HTMLCanvasElement,
    readonly colour: string,
  ) {
    super(canvas);
  }

  /** `peak` is as high as the canvas. */
  draw(channel: Float32Array, peak: number): void {
    this.start();
    const { width } = this.canvas;
    for (let x = 0; x < width; ++x) {
      const from = Math.floor((x * channel.length) / width);
      const to = Math.max(from + 1, Math.floor(((x + 1) * channel.length) / width));
      this.#bar(x, channel.subarray(from, to), peak);
    }
    this.keep();
  }

  /** Adds a column to the right. */
  push(samples: Float32Array): void {
    this.scroll();
    this.context.clearRect(this.canvas.width - 1, 0, 1, this.canvas.height);
    this.#bar(this.canvas.width - 1, samples, 1);
  }

  #bar(x: number, samples: Float32Array, peak: number): void {
    let low = 0;
    let high = 0;
    for (const sample of samples) {
      low = Math.min(low, sample);
      high = Math.max(high, sample);
    }
    const middle = this.canvas.height / 2;
    const top = middle * (1 - Math.min(1, high / peak));
    const bottom = middle * (1 - Math.max(-1, low / peak));
    this.context.fillStyle = colourNamed(this.colour);
    this.context.fillRect(x, top, 1, Math.max(1, bottom - top));
  }

  protected override cursorColour(): string {
    return colourNamed("--text");
  }
}

/** Spectrogram up to 24 kHz of a recording, or of what comes in, from right to left. */
export class SpectrumView extends View {
  #drawing = 0;

  override start(): void {
    super.start();
    ++this.#drawing;
  }

  /** Resolves when all is drawn; another call ends this one. */
  async draw(channel: Float32Array, sampleRate: number): Promise<void> {
    this.start();
    const drawing = this.#drawing;
    const { width, height } = this.canvas;
    const picture = this.context.createImageData(width, height);
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
        const line = Math.round((hertzAt(y, height) * FRAME) / sampleRate);
        pixels[y * width + x] = colourOf(10 * Math.log10(power[line]! / frames + 1e-12), LOUDEST_DB);
      }
      if (x % COLUMNS_AT_ONCE === COLUMNS_AT_ONCE - 1) {
        this.context.putImageData(picture, 0, 0);
        await new Promise((resolve) => setTimeout(resolve));
        if (drawing !== this.#drawing) return;
      }
    }
    this.context.putImageData(picture, 0, 0);
    this.keep();
  }

  /** Adds a column to the right: levels in dB of an AnalyserNode, from 0 Hz to half the rate. */
  push(levels: Float32Array, sampleRate: number): void {
    this.scroll();
    const { width, height } = this.canvas;
    const column = this.context.createImageData(1, height);
    const pixels = new Uint32Array(column.data.buffer);
    for (let y = 0; y < height; ++y) {
      const line = Math.round((hertzAt(y, height) / (sampleRate / 2)) * levels.length);
      pixels[y] = colourOf(levels[line] ?? -Infinity, LOUDEST_LIVE_DB);
    }
    this.context.putImageData(column, width - 1, 0);
  }
}

function hertzAt(y: number, height: number): number {
  return TOP_HZ * (1 - (y + 0.5) / height);
}

function colourNamed(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
