// conv_pre and the two anti-aliased activations. Included inside an unnamed namespace.

/// `Count` constants broadcast to all lanes. Copied to locals before a loop, because its stores may alias them.
template <size_t Count>
struct Splats {
  Vec value[Count];
  NOVASR_INLINE explicit Splats(const float* from) {
    for (size_t i = 0; i < Count; ++i) value[i] = splat(from[i]);
  }
  NOVASR_INLINE Vec operator[](size_t i) const { return value[i]; }
};

/// Maps v to kappa v + 1 - cos(2 pi v). With q = |v - round(v)| - 1/4, -cos(2 pi v) = sin(2 pi q): an odd polynomial.
/// Separate from the up-samplers, so that all its constants stay in registers.
NOVASR_NOINLINE void snake_rows(const Network& net, size_t activation, float* rows, size_t count) NOVASR_RT {
  constexpr size_t kAtOnce = 3;  // interleaved: each is one long dependency chain
  const Splats<kSineTerms> sine(net.sine);
  for (size_t c = 0; c < kChannels; c += kWidth) {
    const Vec kappa = load(net.kappa[activation] + c);
    for (size_t row = 0; row < count; row += kAtOnce) {
      float* v = rows + row * kChannels + c;
      Vec q[kAtOnce], q2[kAtOnce], sum[kAtOnce];
#pragma GCC unroll 3
      for (size_t i = 0; i < kAtOnce; ++i) {
        const Vec x = load(v + i * kChannels);
        q[i] = absolute(x - round_nearest(x)) - splat(0.25f);
        q2[i] = q[i] * q[i];
        sum[i] = sine[kSineTerms - 1];
      }
#pragma GCC unroll 8
      for (size_t k = kSineTerms - 1; k > 0; --k) {
#pragma GCC unroll 3
        for (size_t i = 0; i < kAtOnce; ++i) sum[i] = multiply_add(sum[i], q2[i], sine[k - 1]);
      }
#pragma GCC unroll 3
      for (size_t i = 0; i < kAtOnce; ++i) {
        const Vec linear = multiply_add(kappa, load(v + i * kChannels), splat(1.0f));
        store(v + i * kChannels, multiply_add(q[i], sum[i], linear));
      }
    }
  }
}

NOVASR_NOINLINE void conv_pre(const Network& net, const float* input, size_t frames, float* rows) NOVASR_RT {
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

NOVASR_NOINLINE void up_from_16k(const Network& net, const float* rows, size_t frames, float* window) NOVASR_RT {
  const Splats<10> f(net.up_from_16k);
  for (size_t c = 0; c < kChannels; c += kWidth) {
    for (size_t i = 0; i < frames; ++i) {
      const float* x = rows + i * kChannels + c;
      const Vec before2 = load(x - 2 * kChannels), before = load(x - kChannels), here = load(x);
      const Vec after = load(x + kChannels);
      // Phases 4 and 5 of the previous frame: four taps, mirror images of each other.
      const Vec even = multiply_add(before2 + after, f[6], (before + here) * f[7]);
      const Vec odd = multiply_add(before2 - after, f[8], (before - here) * f[9]);
      // Phases 0 to 3 of this frame: three taps; 0 and 3, 1 and 2 are mirror images.
      const Vec sum = before + after, difference = before - after;
      const Vec outer = multiply_add(here, f[0], sum * f[1]), outer_odd = difference * f[2];
      const Vec inner = multiply_add(here, f[3], sum * f[4]), inner_odd = difference * f[5];
      const Vec up[6] = {even + odd,        even - odd,        outer + outer_odd,
                         inner + inner_odd, inner - inner_odd, outer - outer_odd};
      float* out = window + 6 * i * kChannels + c;
#pragma GCC unroll 6
      for (size_t k = 0; k < 6; ++k) store(out + k * kChannels, up[k]);
    }
  }
  snake_rows(net, 0, window, 6 * frames);
}

NOVASR_NOINLINE void up_from_48k(const Network& net, const float* rows, size_t frames, float* window) NOVASR_RT {
  constexpr size_t kAtOnce = 3;  // adjacent steps share five of their six rows
  const Splats<6> f(net.up_from_48k);
  for (size_t c = 0; c < kChannels; c += kWidth) {
    for (size_t first = 0; first < frames; first += kAtOnce) {
      Vec x[5 + kAtOnce];
#pragma GCC unroll 8
      for (size_t i = 0; i < 5 + kAtOnce; ++i) x[i] = load(rows + (first + i) * kChannels + c - 2 * kChannels);
      float* out = window + 2 * first * kChannels + c;
#pragma GCC unroll 3
      for (size_t s = 0; s < kAtOnce; ++s) {  // the two phases are mirror images of each other
        const Vec even =
            multiply_add(x[s + 2] + x[s + 3], f[2], multiply_add(x[s + 1] + x[s + 4], f[1], (x[s] + x[s + 5]) * f[0]));
        const Vec odd =
            multiply_add(x[s + 2] - x[s + 3], f[5], multiply_add(x[s + 1] - x[s + 4], f[4], (x[s] - x[s + 5]) * f[3]));
        store(out + 2 * s * kChannels, even + odd);
        store(out + (2 * s + 1) * kChannels, even - odd);
      }
    }
  }
  snake_rows(net, 1, window, 2 * frames);
}

NOVASR_NOINLINE void low_pass(const Network& net, size_t activation, const float* window, size_t frames,
                              float* rows) NOVASR_RT {
  const Splats<6> tap(net.low_pass[activation]);
  for (size_t c = 0; c < kChannels; c += kWidth) {
    Vec x[12];  // the last twelve rows, as a ring: adjacent frames share ten of them
#pragma GCC unroll 10
    for (size_t i = 0; i < 10; ++i) x[i] = load(window + i * kChannels + c);
    for (size_t first = 0; first < frames; first += 6) {
#pragma GCC unroll 6
      for (size_t i = 0; i < 6; ++i) {
        const size_t t = first + i;
        if (t == frames) break;
        x[(2 * i + 10) % 12] = load(window + (2 * t + 10) * kChannels + c);
        x[(2 * i + 11) % 12] = load(window + (2 * t + 11) * kChannels + c);
        Vec sum = (x[2 * i] + x[(2 * i + 11) % 12]) * tap[0];
#pragma GCC unroll 5
        for (size_t k = 1; k < 6; ++k) {
          sum = multiply_add(x[(2 * i + k) % 12] + x[(2 * i + 11 - k) % 12], tap[k], sum);
        }
        store(rows + t * kChannels + c, sum);
      }
    }
  }
}
