// The Fourier transform of a frame. Included inside an unnamed namespace.
//
// 512 real values are 256 complex ones, and these a square of 16 x 16: transforms of its columns, factors, transforms
// of its rows. Both passes work on whole vectors of columns.

/// a + i b
struct Complex {
  Vec re, im;
};
NOVASR_INLINE Complex operator+(Complex x, Complex y) {
  return {x.re + y.re, x.im + y.im};
}
NOVASR_INLINE Complex operator-(Complex x, Complex y) {
  return {x.re - y.re, x.im - y.im};
}
NOVASR_INLINE Complex times_minus_i(Complex x) {
  return {x.im, -x.re};
}
NOVASR_INLINE Complex times(Complex x, Vec re, Vec im) {
  return {multiply_add(x.re, re, -(x.im * im)), multiply_add(x.re, im, x.im * re)};
}

/// Transform of four values, in place.
NOVASR_INLINE void transform_4(Complex& a, Complex& b, Complex& c, Complex& d) {
  const Complex even = a + c, odd = a - c, sum = b + d, difference = times_minus_i(b - d);
  a = even + sum;
  b = odd + difference;
  c = even - sum;
  d = odd - difference;
}

/// Transform of 16 values as one of 4 x 4. Result k is at 4 (k % 4) + k / 4.
NOVASR_INLINE void transform_16(Complex* x) {
  constexpr float kCos = 0.92387953251128674f, kSin = 0.38268343236508977f, kHalf = 0.70710678118654752f;
#pragma GCC unroll 4
  for (size_t n = 0; n < 4; ++n) transform_4(x[n], x[4 + n], x[8 + n], x[12 + n]);
  // x[4 k + n] by e^(-2 pi i n k / 16)
  x[5] = times(x[5], splat(kCos), splat(-kSin));
  x[6] = times(x[6], splat(kHalf), splat(-kHalf));
  x[7] = times(x[7], splat(kSin), splat(-kCos));
  x[9] = times(x[9], splat(kHalf), splat(-kHalf));
  x[10] = times_minus_i(x[10]);
  x[11] = times(x[11], splat(-kHalf), splat(-kHalf));
  x[13] = times(x[13], splat(kSin), splat(-kCos));
  x[14] = times(x[14], splat(-kHalf), splat(-kHalf));
  x[15] = times(x[15], splat(-kCos), splat(kSin));
#pragma GCC unroll 4
  for (size_t k = 0; k < 4; ++k) transform_4(x[4 * k], x[4 * k + 1], x[4 * k + 2], x[4 * k + 3]);
}

NOVASR_INLINE size_t place_of_16(size_t k) {
  return 4 * (k % 4) + k / 4;
}

NOVASR_INLINE void transpose(const float (*from)[kRoot], float* to) {
  for (size_t row = 0; row < kRoot; ++row)
    for (size_t column = 0; column < kRoot; ++column) to[kRoot * column + row] = from[row][column];
}

/// Transform of kHop complex values, in place. The inverse, unscaled, is the same with re and im exchanged.
NOVASR_NOINLINE void transform_256(const Fft& fft, float* re, float* im) NOVASR_RT {
  alignas(64) float columns_re[kRoot][kRoot], columns_im[kRoot][kRoot];
  for (size_t column = 0; column < kRoot; column += kWidth) {
    Complex x[kRoot];
#pragma GCC unroll 16
    for (size_t n = 0; n < kRoot; ++n) x[n] = {load(re + kRoot * n + column), load(im + kRoot * n + column)};
    transform_16(x);
#pragma GCC unroll 16
    for (size_t k = 0; k < kRoot; ++k) {
      const Complex y = times(x[place_of_16(k)], load(fft.twiddle_re[k] + column), load(fft.twiddle_im[k] + column));
      store(columns_re[k] + column, y.re);
      store(columns_im[k] + column, y.im);
    }
  }
  transpose(columns_re, re);
  transpose(columns_im, im);
  for (size_t column = 0; column < kRoot; column += kWidth) {
    Complex x[kRoot];
#pragma GCC unroll 16
    for (size_t n = 0; n < kRoot; ++n) x[n] = {load(re + kRoot * n + column), load(im + kRoot * n + column)};
    transform_16(x);
#pragma GCC unroll 16
    for (size_t k = 0; k < kRoot; ++k) {
      store(re + kRoot * k + column, x[place_of_16(k)].re);
      store(im + kRoot * k + column, x[place_of_16(k)].im);
    }
  }
}

/// Lines first .. first + kWidth - 1 of the even and odd frames' transforms, which `packed` holds as one.
struct Halves {
  Complex even, odd;
};
NOVASR_INLINE Halves unpack(const float* re, const float* im, size_t first) {
  const Complex here{load(re + first), load(im + first)};
  const size_t mirrored = kHop + 1 - first - kWidth;
  const Complex there{reversed(load_unaligned(re + mirrored)), reversed(load_unaligned(im + mirrored))};
  const Vec half = splat(0.5f);
  return {{(here.re + there.re) * half, (here.im - there.im) * half},
          {(here.im + there.im) * half, (there.re - here.re) * half}};
}

void analyse(const Fft& fft, const float* audio, Spectrum out) NOVASR_RT {
  alignas(64) float re[kLineRow], im[kLineRow];
  for (size_t n = 0; n < kHop; n += kWidth) {
    const Vec a = load_unaligned(audio + 2 * n) * load(fft.window + 2 * n);
    const Vec b = load_unaligned(audio + 2 * n + kWidth) * load(fft.window + 2 * n + kWidth);
    store(re + n, NOVASR_PICK(a, b, 0));
    store(im + n, NOVASR_PICK(a, b, 1));
  }
  transform_256(fft, re, im);
  re[kHop] = re[0];
  im[kHop] = im[0];
  for (size_t k = 0; k < kHop; k += kWidth) {
    const Halves halves = unpack(re, im, k);
    const Complex line = halves.even + times(halves.odd, load(fft.split_re + k), load(fft.split_im + k));
    store(out.re + k, line.re);
    store(out.im + k, line.im);
  }
  for (size_t k = kHop; k < kLineRow; ++k) out.re[k] = out.im[k] = 0.0f;
  out.re[kHop] = re[0] - im[0];
}

void synthesise(const Fft& fft, ConstSpectrum in, float* audio) NOVASR_RT {
  alignas(64) float re[kHop], im[kHop];
  for (size_t k = 0; k < kHop; k += kWidth) {
    const Complex here{load(in.re + k), load(in.im + k)};
    const size_t mirrored = kHop + 1 - k - kWidth;
    const Complex there{reversed(load_unaligned(in.re + mirrored)), -reversed(load_unaligned(in.im + mirrored))};
    const Complex even = here + there;
    const Complex odd = times(here - there, load(fft.split_re + k), -load(fft.split_im + k));
    store(re + k, even.re - odd.im);
    store(im + k, even.im + odd.re);
  }
  transform_256(fft, im, re);
  const Vec scale = splat(1.0f / kFrame);
  for (size_t n = 0; n < kHop; n += kWidth) {
    store(re + n, load(re + n) * scale);
    store(im + n, load(im + n) * scale);
  }
  for (size_t n = 0; n < kHop; ++n) {
    audio[2 * n] = re[n] * fft.window[2 * n];
    audio[2 * n + 1] = im[n] * fft.window[2 * n + 1];
  }
}
