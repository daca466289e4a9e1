#include "families/novasr/kernels/table.hpp"

#include "simd/dispatch.hpp"

namespace novasr::kernels {

const KernelTable& table_for(Isa isa) {
  check_available(isa);
#ifdef NOVASR_X86
  if (isa == Isa::sse41) return kSse41Table;
  if (isa == Isa::avx2) return kAvx2Table;
  if (isa == Isa::avx512) return kAvx512Table;
#endif
  return kPortableTable;
}

}  // namespace novasr::kernels
