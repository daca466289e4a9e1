// Vectors of NOVASR_WIDTH floats in GCC's and Clang's vector extension. Included inside an unnamed namespace, after
// intrinsics.hpp.
// Only what the extension cannot express is an intrinsic: the fused multiply-add and rounding.

#define NOVASR_INLINE inline __attribute__((always_inline))
#define NOVASR_NOINLINE __attribute__((noinline))

typedef float Vec __attribute__((vector_size(NOVASR_WIDTH * 4), may_alias));
typedef float UnalignedVec __attribute__((vector_size(NOVASR_WIDTH * 4), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(NOVASR_WIDTH * 4)));

constexpr size_t kWidth = NOVASR_WIDTH;

NOVASR_INLINE Vec load(const float* p) {
  return *reinterpret_cast<const Vec*>(p);
}
NOVASR_INLINE Vec load_unaligned(const float* p) {
  return *reinterpret_cast<const UnalignedVec*>(p);
}
NOVASR_INLINE void store(float* p, Vec v) {
  *reinterpret_cast<Vec*>(p) = v;
}
NOVASR_INLINE void store_unaligned(float* p, Vec v) {
  *reinterpret_cast<UnalignedVec*>(p) = v;
}
NOVASR_INLINE Vec splat(float x) {
  return x - Vec{};
}
NOVASR_INLINE Vec absolute(Vec v) {
  return (Vec)((IntVec)v & 0x7fffffff);
}
NOVASR_INLINE Vec select(IntVec condition, Vec a, Vec b) {
  return (Vec)((condition & (IntVec)a) | (~condition & (IntVec)b));
}

/// a * b + c, rounded once where the hardware can, twice elsewhere; never left to compiler contraction
/// (-ffp-contract).
NOVASR_INLINE Vec multiply_add(Vec a, Vec b, Vec c) {
#if NOVASR_WIDTH == 16 && defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif NOVASR_WIDTH == 8 && defined(__FMA__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif NOVASR_WIDTH == 4 && defined(__ARM_NEON)
  return (Vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__FMA__)
  for (size_t i = 0; i < kWidth; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#else
  return a * b + c;
#endif
}

/// Nearest whole number, halves to even.
NOVASR_INLINE Vec round_nearest(Vec v) {
#if NOVASR_WIDTH == 16 && defined(__AVX512F__)
  return (Vec)_mm512_roundscale_ps((__m512)v, 0);
#elif NOVASR_WIDTH == 8 && defined(__AVX__)
  return (Vec)_mm256_round_ps((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif NOVASR_WIDTH == 4 && defined(__SSE4_1__)
  return (Vec)_mm_round_ps((__m128)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif NOVASR_WIDTH == 4 && defined(__ARM_NEON)
  return (Vec)vrndnq_f32((float32x4_t)v);
#elif NOVASR_WIDTH == 4 && defined(__wasm_simd128__)
  return (Vec)wasm_f32x4_nearest((v128_t)v);
#else
  const Vec shift = splat(12582912.0f);  // 1.5 * 2^23: adding it leaves no fractional bits, up to |v| < 2^22
  return (v + shift) - shift;
#endif
}

/// Square root, correctly rounded.
NOVASR_INLINE Vec square_root(Vec v) {
#if NOVASR_WIDTH == 16 && defined(__AVX512F__)
  return (Vec)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);  // GCC 12 calls the unmasked one uninitialised
#elif NOVASR_WIDTH == 8 && defined(__AVX__)
  return (Vec)_mm256_sqrt_ps((__m256)v);
#elif NOVASR_WIDTH == 4 && defined(__SSE2__)
  return (Vec)_mm_sqrt_ps((__m128)v);
#elif NOVASR_WIDTH == 4 && defined(__ARM_NEON)
  return (Vec)vsqrtq_f32((float32x4_t)v);
#elif NOVASR_WIDTH == 4 && defined(__wasm_simd128__)
  return (Vec)wasm_f32x4_sqrt((v128_t)v);
#else
  for (size_t i = 0; i < kWidth; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

// NOLINTBEGIN(bugprone-macro-parentheses): `first` is 0 or 1
#if NOVASR_WIDTH == 4
#  define NOVASR_PICK(a, b, first) __builtin_shufflevector(a, b, first, first + 2, first + 4, first + 6)
#elif NOVASR_WIDTH == 8
#  define NOVASR_PICK(a, b, first) \
    __builtin_shufflevector(a, b, first, first + 2, first + 4, first + 6, first + 8, first + 10, first + 12, first + 14)
#else
#  define NOVASR_PICK(a, b, first)                                                                              \
    __builtin_shufflevector(a, b, first, first + 2, first + 4, first + 6, first + 8, first + 10, first + 12,    \
                            first + 14, first + 16, first + 18, first + 20, first + 22, first + 24, first + 26, \
                            first + 28, first + 30)
#endif
// NOLINTEND(bugprone-macro-parentheses)

/// {a0 + a1, a2 + a3, ..., b0 + b1, ...}
NOVASR_INLINE Vec add_neighbours(Vec a, Vec b) {
  return NOVASR_PICK(a, b, 0) + NOVASR_PICK(a, b, 1);
}

/// {v[last], ..., v[0]}
NOVASR_INLINE Vec reversed(Vec v) {
#if NOVASR_WIDTH == 4
  return __builtin_shufflevector(v, v, 3, 2, 1, 0);
#elif NOVASR_WIDTH == 8
  return __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
#else
  return __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#endif
}

/// v[0] + v[1] + ..., by halves.
NOVASR_INLINE float sum_of_lanes(Vec v) {
  float lane[kWidth];
  __builtin_memcpy(lane, &v, sizeof lane);
  for (size_t half = kWidth / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}
