/** Discrete Fourier transforms of real signals of any one length. */
export class Fourier {
  readonly #length: number;
  readonly #size: number; // of the transforms of powers of two
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cos: Float64Array; // e^(-2 pi i k / size)
  readonly #sin: Float64Array;
  readonly #chirp: { re: Float64Array; im: Float64Array; spectrum: [Float64Array, Float64Array] } | null;

  constructor(length: number) {
    this.#length = length;
    const whole = (length & (length - 1)) === 0;
    let size = 1;
    while (size < (whole ? length : 2 * length - 1)) size *= 2;
    this.#size = size;
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.#chirp = whole ? null : this.#makeChirp();
  }

  /** |X[k]|^2 of `signal` for k from 0 to half the length, added to `power`. */
  addPower(signal: ArrayLike<number>, power: Float64Array): void {
    const [re, im] = this.#transform(signal);
    for (let k = 0; k < power.length; ++k) power[k]! += re[k]! * re[k]! + im[k]! * im[k]!;
  }

  #transform(signal: ArrayLike<number>): [Float64Array, Float64Array] {
    const re = this.#re;
    const im = this.#im;
    re.fill(0);
    im.fill(0);
    if (this.#chirp === null) {
      re.set(signal);
      this.#powerOfTwo(re, im);
      return [re, im];
    }
    // L. Bluestein (1970): n k = (n^2 + k^2 - (k - n)^2) / 2 makes the transform a convolution with a chirp.
    const { re: cre, im: cim, spectrum } = this.#chirp;
    for (let n = 0; n < this.#length; ++n) {
      re[n] = signal[n]! * cre[n]!;
      im[n] = signal[n]! * cim[n]!;
    }
    this.#powerOfTwo(re, im);
    const [sre, sim] = spectrum;
    for (let k = 0; k < this.#size; ++k) {
      const real = re[k]! * sre[k]! - im[k]! * sim[k]!;
      im[k] = re[k]! * sim[k]! + im[k]! * sre[k]!;
      re[k] = real;
    }
    this.#powerOfTwo(im, re); // the inverse, unscaled
    for (let k = 0; k < this.#length; ++k) {
      const real = (re[k]! * cre[k]! - im[k]! * cim[k]!) / this.#size;
      im[k] = (re[k]! * cim[k]! + im[k]! * cre[k]!) / this.#size;
      re[k] = real;
    }
    return [re, im];
  }

  #makeChirp(): { re: Float64Array; im: Float64Array; spectrum: [Float64Array, Float64Array] } {
    const length = this.#length;
    const angle = (n: number) => (Math.PI * ((n * n) % (2 * length))) / length;
    const re = Float64Array.from({ length }, (_, n) => Math.cos(angle(n)));
    const im = Float64Array.from({ length }, (_, n) => -Math.sin(angle(n)));
    const sre = new Float64Array(this.#size);
    const sim = new Float64Array(this.#size);
    for (let n = 0; n < length; ++n) {
      const mirrored = (this.#size - n) % this.#size;
      sre[n] = sre[mirrored] = re[n]!;
      sim[n] = sim[mirrored] = -im[n]!;
    }
    this.#powerOfTwo(sre, sim);
    return { re, im, spectrum: [sre, sim] };
  }

  /** In place, radix 2 (J. Cooley, J. Tukey, 1965). */
  #powerOfTwo(re: Float64Array, im: Float64Array): void {
    const size = this.#size;
    for (let i = 1, j = 0; i < size; ++i) {
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j]!, re[i]!];
        [im[i], im[j]] = [im[j]!, im[i]!];
      }
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; ++k) {
          const a = start + k;
          const b = a + half;
          const cos = this.#cos[k * step]!;
          const sin = this.#sin[k * step]!;
          const real = re[b]! * cos - im[b]! * sin;
          const imaginary = re[b]! * sin + im[b]! * cos;
          re[b] = re[a]! - real;
          im[b] = im[a]! - imaginary;
          re[a]! += real;
          im[a]! += imaginary;
        }
      }
    }
  }
}
