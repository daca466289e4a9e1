#include "dispatch.hpp"

#include <algorithm>
#include <string>

#include "novasr/errors.hpp"

namespace novasr {

std::string_view isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::sse41:
      return "sse41";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas{Isa::portable};
#ifdef NOVASR_X86
  if (__builtin_cpu_supports("sse4.1")) isas.push_back(Isa::sse41);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
  if (__builtin_cpu_supports("avx512f")) isas.push_back(Isa::avx512);
#endif
  return isas;
}

namespace kernels {

const KernelTable& table_for(Isa isa) {
  const auto isas = available_isas();
  if (std::ranges::find(isas, isa) == isas.end()) {
    throw ConfigError("instruction set " + std::string(isa_name(isa)) + " is not available; the best here is " +
                      std::string(isa_name(isas.back())));
  }
#ifdef NOVASR_X86
  if (isa == Isa::sse41) return kSse41Table;
  if (isa == Isa::avx2) return kAvx2Table;
  if (isa == Isa::avx512) return kAvx512Table;
#endif
  return kPortableTable;
}

}  // namespace kernels
}  // namespace novasr
