// conv_pre and the two anti-aliased activations. Included inside an unnamed namespace.

/// kappa v + 1 - cos(2 pi v). With q = |v - round(v)| - 1/4, -cos(2 pi v) = sin(2 pi q): an odd polynomial.
NOVASR_INLINE Vec snake(Vec v, Vec kappa, const float* sine) {
  const Vec q = absolute(v - round_nearest(v)) - splat(0.25f);
  const Vec q2 = q * q;
  Vec sum = splat(sine[kSineTerms - 1]);
  for (size_t i = kSineTerms - 1; i-- > 0;) sum = multiply_add(sum, q2, splat(sine[i]));
  return multiply_add(q, sum, multiply_add(kappa, v, splat(1.0f)));
}

NOVASR_NOINLINE void conv_pre(const Network& net, const float* input, size_t frames, float* rows) {
  for (size_t c = 0; c < kChannels; c += kWidth) {
    Vec weight[kPreTaps];
    for (size_t k = 0; k < kPreTaps; ++k) weight[k] = load(net.pre_weight[k] + c);
    const Vec bias = load(net.pre_bias + c);
    for (size_t i = 0; i < frames; ++i) {
      Vec sum = bias;
      for (size_t k = 0; k < kPreTaps; ++k) sum = multiply_add(splat(input[i + k - 3]), weight[k], sum);
      store(rows + i * kChannels + c, sum);
    }
  }
}

NOVASR_NOINLINE void up_from_16k(const Network& net, const float* rows, size_t frames, float* window) {
  const float* f = net.up_from_16k;
  for (size_t c = 0; c < kChannels; c += kWidth) {
    const Vec kappa = load(net.kappa[0] + c);
    for (size_t i = 0; i < frames; ++i) {
      const float* x = rows + i * kChannels + c;
      const Vec before2 = load(x - 2 * kChannels), before = load(x - kChannels), here = load(x);
      const Vec after = load(x + kChannels);
      // Phases 4 and 5 of the frame before: four taps, mirror images of each other.
      const Vec even = multiply_add(before2 + after, splat(f[6]), (before + here) * splat(f[7]));
      const Vec odd = multiply_add(before2 - after, splat(f[8]), (before - here) * splat(f[9]));
      // Phases 0 to 3 of this frame: three taps; 0 and 3, 1 and 2 are mirror images.
      const Vec sum = before + after, difference = before - after;
      const Vec outer = multiply_add(here, splat(f[0]), sum * splat(f[1])), outer_odd = difference * splat(f[2]);
      const Vec inner = multiply_add(here, splat(f[3]), sum * splat(f[4])), inner_odd = difference * splat(f[5]);
      const Vec up[6] = {even + odd,        even - odd,        outer + outer_odd,
                         inner + inner_odd, inner - inner_odd, outer - outer_odd};
      float* out = window + 6 * i * kChannels + c;
#pragma GCC unroll 6
      for (size_t k = 0; k < 6; ++k) store(out + k * kChannels, snake(up[k], kappa, net.sine));
    }
  }
}

NOVASR_NOINLINE void up_from_48k(const Network& net, const float* rows, size_t frames, float* window) {
  const float* f = net.up_from_48k;
  for (size_t c = 0; c < kChannels; c += kWidth) {
    const Vec kappa = load(net.kappa[1] + c);
#pragma GCC unroll 3
    for (size_t s = 0; s < frames; ++s) {
      const float* x = rows + s * kChannels + c;
      const Vec x0 = load(x - 2 * kChannels), x1 = load(x - kChannels), x2 = load(x);
      const Vec x3 = load(x + kChannels), x4 = load(x + 2 * kChannels), x5 = load(x + 3 * kChannels);
      const Vec even =
          multiply_add(x2 + x3, splat(f[2]), multiply_add(x1 + x4, splat(f[1]), (x0 + x5) * splat(f[0])));
      const Vec odd =
          multiply_add(x2 - x3, splat(f[5]), multiply_add(x1 - x4, splat(f[4]), (x0 - x5) * splat(f[3])));
      float* out = window + 2 * s * kChannels + c;
      store(out, snake(even + odd, kappa, net.sine));
      store(out + kChannels, snake(even - odd, kappa, net.sine));
    }
  }
}

NOVASR_NOINLINE void snake_rows(const Network& net, size_t activation, float* rows, size_t count) {
  for (size_t c = 0; c < kChannels; c += kWidth) {
    const Vec kappa = load(net.kappa[activation] + c);
    for (size_t i = 0; i < count; ++i) {
      float* row = rows + i * kChannels + c;
      store(row, snake(load(row), kappa, net.sine));
    }
  }
}

NOVASR_NOINLINE void low_pass(const Network& net, size_t activation, const float* window, size_t frames, float* rows) {
  Vec tap[6];
  for (size_t k = 0; k < 6; ++k) tap[k] = splat(net.low_pass[activation][k]);
  for (size_t c = 0; c < kChannels; c += kWidth) {
    for (size_t t = 0; t < frames; ++t) {
      const float* x = window + 2 * t * kChannels + c;
      Vec sum = (load(x) + load(x + 11 * kChannels)) * tap[0];
#pragma GCC unroll 5
      for (size_t k = 1; k < 6; ++k) {
        sum = multiply_add(load(x + k * kChannels) + load(x + (11 - k) * kChannels), tap[k], sum);
      }
      store(rows + t * kChannels + c, sum);
    }
  }
}
