// The layers of the network. Included inside an unnamed namespace.

constexpr size_t kPanelVectors = kPanel / kWidth;

/// `Panels` panels of outputs for `Rows` rows. Each output sums its inputs in one order, whatever the sizes.
template <bool Onto, size_t Rows, size_t Panels>
NOVASR_INLINE void dense_tile(const DenseView& layer, size_t panel, const float* in, size_t in_stride, float* out,
                              size_t out_stride) {
  constexpr size_t kVectors = Panels * kPanelVectors;
  const float* weight[Panels];
#pragma GCC unroll 32
  for (size_t p = 0; p < Panels; ++p) weight[p] = layer.weight + (panel + p) * layer.inputs * kPanel;
  Vec sum[Rows][kVectors];
#pragma GCC unroll 32
  for (size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 32
    for (size_t v = 0; v < kVectors; ++v) sum[r][v] = load(layer.bias + panel * kPanel + v * kWidth);
  for (size_t i = 0; i < layer.inputs; ++i) {
    Vec x[Rows];
#pragma GCC unroll 32
    for (size_t r = 0; r < Rows; ++r) x[r] = splat(in[r * in_stride + i]);
#pragma GCC unroll 32
    for (size_t v = 0; v < kVectors; ++v) {
      const Vec w = load(weight[v / kPanelVectors] + i * kPanel + v % kPanelVectors * kWidth);
#pragma GCC unroll 32
      for (size_t r = 0; r < Rows; ++r) sum[r][v] = multiply_add(x[r], w, sum[r][v]);
    }
  }
#pragma GCC unroll 32
  for (size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 32
    for (size_t v = 0; v < kVectors; ++v) {
      float* const to = out + r * out_stride + panel * kPanel + v * kWidth;
      store(to, Onto ? load(to) + sum[r][v] : sum[r][v]);
    }
  }
}

/// All rows, as many at a time as the registers hold.
template <bool Onto, size_t Panels, size_t Rows = NOVASR_WIDTH == 16 ? 4 : 2>
NOVASR_INLINE void dense_rows(const DenseView& layer, size_t panel, const float* in, size_t in_stride, size_t rows,
                              float* out, size_t out_stride) {
  size_t r = 0;
  for (; r + Rows <= rows; r += Rows)
    dense_tile<Onto, Rows, Panels>(layer, panel, in + r * in_stride, in_stride, out + r * out_stride, out_stride);
  if constexpr (Rows > 1)
    dense_rows<Onto, Panels, Rows / 2>(layer, panel, in + r * in_stride, in_stride, rows - r, out + r * out_stride,
                                       out_stride);
}

template <bool Onto>
NOVASR_INLINE void dense_layer(const DenseView& layer, const float* in, size_t in_stride, size_t rows, float* out,
                               size_t out_stride) {
  constexpr size_t kPanels = NOVASR_WIDTH == 16 ? 4 : NOVASR_WIDTH == 8 ? 2 : 1;
  size_t panel = 0;
  for (; panel + kPanels <= layer.panels; panel += kPanels)
    dense_rows<Onto, kPanels>(layer, panel, in, in_stride, rows, out, out_stride);
  for (; panel < layer.panels; ++panel) dense_rows<Onto, 1>(layer, panel, in, in_stride, rows, out, out_stride);
}

void dense(const DenseView& layer, const float* in, size_t in_stride, size_t rows, float* out,
           size_t out_stride) NOVASR_RT {
  dense_layer<false>(layer, in, in_stride, rows, out, out_stride);
}

void dense_onto(const DenseView& layer, const float* in, size_t in_stride, size_t rows, float* out,
                size_t out_stride) NOVASR_RT {
  dense_layer<true>(layer, in, in_stride, rows, out, out_stride);
}

/// v, with 0 in the lanes behind the last channel.
NOVASR_INLINE Vec channels_of(Vec v, size_t first) {
  if (first + kWidth <= kChannels) return v;
  for (size_t i = 0; i < kWidth; ++i)
    if (first + i >= kChannels) v[i] = 0.0f;
  return v;
}

/// The row's channels with mean 0 and variance 1; the row is 0 behind them.
NOVASR_INLINE void normalise_row(const Vec* row, float* out) {
  constexpr size_t kVectors = kChannelRow / kWidth;
  Vec sum = {};
#pragma GCC unroll 32
  for (size_t v = 0; v < kVectors; ++v) sum += row[v];
  const Vec mean = splat(sum_of_lanes(sum) / kChannels);
  Vec centred[kVectors], squares = {};
#pragma GCC unroll 32
  for (size_t v = 0; v < kVectors; ++v) {
    centred[v] = channels_of(row[v] - mean, v * kWidth);
    squares = multiply_add(centred[v], centred[v], squares);
  }
  const Vec variance = splat(sum_of_lanes(squares) / kChannels);
  const Vec scale = splat(1.0f) / square_root(variance + splat(kNormEpsilon));
#pragma GCC unroll 32
  for (size_t v = 0; v < kVectors; ++v) store(out + v * kWidth, centred[v] * scale);
}

void depthwise(const Depthwise& layer, float* ring, size_t slot, const float* x, float* out) NOVASR_RT {
  const float* hop[kTaps];  // oldest first
#pragma GCC unroll 32
  for (size_t k = 0; k < kTaps; ++k) hop[k] = ring + (slot + 1 + k) % kTaps * kChannelRow;
  Vec row[kChannelRow / kWidth];
  for (size_t c = 0; c < kChannelRow; c += kWidth) {
    store(ring + slot * kChannelRow + c, load(x + c));
    Vec sum = load(layer.bias + c);
#pragma GCC unroll 32
    for (size_t k = 0; k < kTaps; ++k) sum = multiply_add(load(hop[k] + c), load(layer.tap[k] + c), sum);
    row[c / kWidth] = sum;
  }
  normalise_row(row, out);
}

void normalise(const float* x, float* out) NOVASR_RT {
  Vec row[kChannelRow / kWidth];
  for (size_t c = 0; c < kChannelRow; c += kWidth) row[c / kWidth] = load(x + c);
  normalise_row(row, out);
}

void gelu(float* x, size_t count) NOVASR_RT {
  const Vec half = splat(0.5f), slope = splat(0.79788456080286536f);  // sqrt(2 / pi)
  for (size_t i = 0; i < count; i += kWidth) {
    const Vec v = load(x + i);
    const Vec inner = slope * multiply_add(v * v * v, splat(0.044715f), v);
    store(x + i, multiply_add(half * v, hyperbolic_tangent(inner), half * v));
  }
}
