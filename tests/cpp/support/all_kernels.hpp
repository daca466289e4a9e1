#pragma once
#include <string>
#include <vector>

#include "families/novasr/kernels/table.hpp"
#include "families/novasr/native_engine.hpp"
#include "simd/dispatch.hpp"

namespace novasr::kernels {
extern const KernelTable kWide16Table;  // the body of AVX-512, lowered to AVX2 on x86-64
}

namespace novasr::test {

struct NamedKernels {
  std::string name;
  const kernels::KernelTable& table;
  bool fused;  ///< multiply-adds are rounded once
};

/// The kernels of every instruction set of this CPU, and the body of AVX-512 even if the CPU lacks it.
inline std::vector<NamedKernels> all_kernels() {
  std::vector<NamedKernels> all;
  for (const Isa isa : available_isas())
    all.push_back({std::string(isa_name(isa)), kernels::table_for(isa), isa >= Isa::avx2});
#ifdef NOVASR_X86
  if (!is_available(Isa::avx2)) return all;
#endif
  all.push_back({"16 wide", kernels::kWide16Table, true});
  return all;
}

}  // namespace novasr::test
