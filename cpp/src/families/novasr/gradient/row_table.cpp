#include "row_table.hpp"

#include "simd/dispatch.hpp"

namespace novasr::training {
namespace {

IsaTables<RowKernels> tables() {
#ifdef NOVASR_X86
  // Compiled for a whole x86-64 level, which includes more instructions than Isa guarantees.
  const RowKernels& avx2 = __builtin_cpu_supports("x86-64-v3") ? kAvx2RowKernels : kPortableRowKernels;
  const RowKernels& avx512 = __builtin_cpu_supports("x86-64-v4") ? kAvx512RowKernels : avx2;
  return {.portable = kPortableRowKernels, .avx2 = avx2, .avx512 = avx512};
#else
  return {.portable = kPortableRowKernels};
#endif
}

}  // namespace

std::vector<const RowKernels*> available_row_kernels() {
  const auto all = tables();
  std::vector<const RowKernels*> available;
  for (const Isa isa : available_isas()) {
    const RowKernels* const kernels = &all.of(isa);
    if (available.empty() || available.back() != kernels) available.push_back(kernels);
  }
  return available;
}

const RowKernels& best_row_kernels() {
  static const RowKernels& best = tables().of(best_isa());
  return best;
}

}  // namespace novasr::training
