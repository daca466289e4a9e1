#include "families/wide/kernels/table.hpp"

#include "simd/dispatch.hpp"

namespace novasr::wide::kernels {
namespace {

constexpr IsaTables<KernelTable> kTables{
    .portable = kPortableTable,
#ifdef NOVASR_X86
    .sse41 = kSse41Table,
    .avx2 = kAvx2Table,
    .avx512 = kAvx512Table,
#endif
};

}  // namespace

const KernelTable& table_for(Isa isa) {
  return kTables.of(isa);
}

}  // namespace novasr::wide::kernels
