// Output stage: residual filter, merged conv2 and conv_post, tanh. Included inside an unnamed namespace.

NOVASR_NOINLINE void residual(const Network& net, const float* input, size_t frames, float* out) NOVASR_RT {
  for (size_t i = 0; i < frames; i += kWidth) {
    for (size_t phase = 0; phase < 3; ++phase) {
      Vec sum = splat(net.residual_bias[phase]);
      for (size_t k = 0; k < kResidualTaps; ++k) {
        sum =
            multiply_add(load_unaligned(input + i + k - kResidualTaps / 2), splat(net.residual_weight[phase][k]), sum);
      }
      for (size_t j = 0; j < kWidth; ++j) out[3 * (i + j) + phase] = sum[j];
    }
  }
}

/// {sum of v[0], sum of v[1], ...}; all lanes use the same summation order.
template <size_t Count>
NOVASR_INLINE Vec sums_of(Vec* v) {
  if constexpr (Count == 1) {
    return v[0];
  } else {
    for (size_t i = 0; i < Count / 2; ++i) v[i] = add_neighbours(v[2 * i], v[2 * i + 1]);
    return sums_of<Count / 2>(v);
  }
}

NOVASR_NOINLINE void output(const Network& net, const float* rows, const float* residual, size_t frames,
                            float* out) NOVASR_RT {
  constexpr size_t kAtOnce = 8;  // sums in flight: enough to hide the latency, few enough for the registers
  constexpr size_t kStep = kWidth > kAtOnce ? kWidth : kAtOnce;
  for (size_t t = 0; t < frames; t += kStep) {
    Vec total[kStep];
    for (size_t first = 0; first < kStep; first += kAtOnce) {
      Vec sum[kAtOnce] = {};
      for (size_t c = 0; c < kChannels; c += kWidth) {
        const float* weight = net.output_weight[0] + c;
        const float* x = rows + (t + first) * kChannels + c - 8 * kChannels;
#pragma GCC unroll 17
        for (size_t k = 0; k < kOutputTaps; ++k) {
          const Vec tap = load(weight + k * kChannels);
#pragma GCC unroll 8
          for (size_t j = 0; j < kAtOnce; ++j) sum[j] = multiply_add(tap, load(x + (j + k) * kChannels), sum[j]);
        }
      }
#pragma GCC unroll 8
      for (size_t j = 0; j < kAtOnce; ++j) total[first + j] = sum[j];
    }
    for (size_t j = 0; j < kStep; j += kWidth) {
      store_unaligned(out + t + j, sums_of<kWidth>(total + j) + load_unaligned(residual + t + j));
    }
  }
}

/// Separate from the sums, which would wait for its long dependency chain.
NOVASR_NOINLINE void tanh_of_sums(float offset, size_t frames, float* out) NOVASR_RT {
  const Vec constant = splat(offset);
  for (size_t t = 0; t < frames; t += kWidth) {
    store_unaligned(out + t, hyperbolic_tangent(load_unaligned(out + t) + constant));
  }
}
