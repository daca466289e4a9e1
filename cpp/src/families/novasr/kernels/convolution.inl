// The 32 -> 32 convolution: rows to spectra, one matrix product per spectrum, products to rows.
// Included inside an unnamed namespace.

#if NOVASR_WIDTH == 16
constexpr size_t kGemmRows = 12;  // 12 x 2 accumulators of 32 registers
#else
constexpr size_t kGemmRows = 6;  // 6 x 2 accumulators of 16 registers
#endif

/// y[r] = bias + x[r] * w for `Rows` rows and `Vectors` vectors of output channels; each sum runs over ascending k.
template <size_t Rows, size_t Vectors>
NOVASR_INLINE void gemm_block(const float* __restrict x, const float* __restrict w, const float* bias,
                              float* __restrict y) {
  Vec sum[Rows][Vectors];
  for (size_t r = 0; r < Rows; ++r) {
    for (size_t v = 0; v < Vectors; ++v) sum[r][v] = bias ? load(bias + v * kWidth) : Vec{};
  }
  for (size_t k = 0; k < kChannels; ++k) {
    Vec weight[Vectors];
    for (size_t v = 0; v < Vectors; ++v) weight[v] = load(w + k * kChannels + v * kWidth);
#pragma GCC unroll 16
    for (size_t r = 0; r < Rows; ++r) {
      const Vec value = splat(x[r * kChannels + k]);
#pragma GCC unroll 16
      for (size_t v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(value, weight[v], sum[r][v]);
    }
  }
  for (size_t r = 0; r < Rows; ++r) {
    for (size_t v = 0; v < Vectors; ++v) store(y + r * kChannels + v * kWidth, sum[r][v]);
  }
}

template <size_t Rows>
NOVASR_NOINLINE void gemm_rows(const float* x, const float* w, const float* bias, float* y) NOVASR_RT {
  constexpr size_t kAll = kChannels / kWidth;
  constexpr size_t kWanted = Rows <= 3 ? 4 : 2;  // few rows: more columns, to hide the latency of the sums
  constexpr size_t kVectors = kWanted < kAll ? kWanted : kAll;
  for (size_t c = 0; c < kChannels; c += kVectors * kWidth) {
    gemm_block<Rows, kVectors>(x, w + c, bias ? bias + c : nullptr, y + c);
  }
}

template <size_t Rows>
NOVASR_INLINE void gemm_at_most(size_t rows, const float* x, const float* w, const float* bias, float* y) {
  if (rows == Rows) return gemm_rows<Rows>(x, w, bias, y);
  if constexpr (Rows > 1) gemm_at_most<Rows - 1>(rows, x, w, bias, y);
}

/// Splits the rows into blocks of nearly equal height, so that no block has a single slow row.
NOVASR_INLINE void gemm(size_t rows, const float* x, const float* w, const float* bias, float* y) {
  for (size_t blocks = (rows + kGemmRows - 1) / kGemmRows; blocks > 0; --blocks) {
    const size_t height = (rows + blocks - 1) / blocks;
    gemm_at_most<kGemmRows>(height, x, w, bias, y);
    x += height * kChannels;
    y += height * kChannels;
    rows -= height;
  }
}

using Transform = void (*)(const float*, float*, size_t) NOVASR_RT;
using InverseTransform = void (*)(const float*, size_t, float*) NOVASR_RT;

template <size_t Points>
NOVASR_INLINE void convolve_tiles(const TileFilter& filter, const float* rows, size_t tiles, float* spectra, float* out,
                                  Transform forward, InverseTransform backward) {
  constexpr size_t kRows = tile_rows(Points);
  float* input = spectra + kProductStride;  // one ahead, see spectra_floats()
  for (size_t tile = 0; tile < tiles; ++tile) {
    for (size_t c = 0; c < kChannels; c += kWidth) {
      forward(rows + tile * kRows * kChannels + c, input + tile * kChannels + c, kProductStride);
    }
  }
  for (size_t p = 0; p < tile_products(Points); ++p) {
    // The bias is constant over the tile, so it belongs to the first product, frequency 0.
    gemm(tiles, input + p * kProductStride, filter.weight + p * kChannels * kChannels, p == 0 ? filter.bias : nullptr,
         spectra + p * kProductStride);
  }
  for (size_t tile = 0; tile < tiles; ++tile) {
    for (size_t c = 0; c < kChannels; c += kWidth) {
      backward(spectra + tile * kChannels + c, kProductStride, out + tile * kRows * kChannels + c);
    }
  }
}

NOVASR_NOINLINE void convolve(const TileFilter& filter, const float* rows, size_t tiles, float* spectra,
                              float* out) NOVASR_RT {
  if (filter.points == kStreamingPoints) {
    convolve_tiles<18>(filter, rows, tiles, spectra, out, rows_to_spectra_18, products_to_rows_18);
  } else {
    convolve_tiles<48>(filter, rows, tiles, spectra, out, rows_to_spectra_48, products_to_rows_48);
  }
}
