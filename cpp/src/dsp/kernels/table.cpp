#include "dsp/kernels/table.hpp"

#include "simd/dispatch.hpp"

namespace novasr::dsp {
namespace {

// SSE4.1 adds no instruction that these loops could use, and vectors wider than AVX2's do not help: the loops are
// bound by the latency of their sums.
constexpr IsaTables<KernelTable> kTables{
    .portable = kPortableTable,
#ifdef NOVASR_X86
    .avx2 = kAvx2Table,
#endif
};

}  // namespace

const KernelTable& table_for(Isa isa) {
  return kTables.of(isa);
}

}  // namespace novasr::dsp
