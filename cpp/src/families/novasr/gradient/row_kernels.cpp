#include "row_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "families/novasr/native_engine.hpp"

// One copy for every generation of vectors. Pragmas, as target_clones' resolvers run before a sanitizer is ready.
#define NOVASR_COPY portable
#include "row_kernels_body.inl"
#undef NOVASR_COPY

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#  define NOVASR_X86_COPIES

#  pragma GCC push_options
#  pragma GCC target("arch=x86-64-v3")
#  define NOVASR_COPY avx2
#  include "row_kernels_body.inl"
#  undef NOVASR_COPY
#  pragma GCC pop_options

#  pragma GCC push_options
#  pragma GCC target("arch=x86-64-v4")
#  define NOVASR_COPY avx512
#  include "row_kernels_body.inl"
#  undef NOVASR_COPY
#  pragma GCC pop_options
#endif

namespace novasr::training {

std::vector<const RowKernels*> available_row_kernels() {
  std::vector<const RowKernels*> copies{&portable::kKernels};
#ifdef NOVASR_X86_COPIES
  const auto isas = available_isas();
  const auto allowed = [&](Isa isa) { return std::ranges::find(isas, isa) != isas.end(); };
  if (allowed(Isa::avx2) && __builtin_cpu_supports("x86-64-v3")) copies.push_back(&avx2::kKernels);
  if (allowed(Isa::avx512) && __builtin_cpu_supports("x86-64-v4")) copies.push_back(&avx512::kKernels);
#endif
  return copies;
}

const RowKernels& best_row_kernels() {
  static const RowKernels& best = *available_row_kernels().back();
  return best;
}

}  // namespace novasr::training
