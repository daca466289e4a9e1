#pragma once
// What vectors.inl needs outside its unnamed namespace.
#if defined(__SSE2__)
#  include <immintrin.h>
#elif defined(__ARM_NEON)
#  include <arm_neon.h>
#elif defined(__wasm_simd128__)
#  include <wasm_simd128.h>
#endif
