#pragma once
#include <string_view>
#include <vector>

namespace novasr {

/// Instruction sets that kernels are compiled for.
enum class Isa {
  portable,  ///< four floats: SSE2 on x86-64, NEON on ARM64
  sse41,
  avx2,  ///< with FMA
  avx512
};

/// [any]
[[nodiscard]] std::string_view isa_name(Isa isa) noexcept;

/// [control] Those that this processor runs and this build has, slowest first; the last is the default. The environment
/// variable NOVASR_ISA leaves out those above the one that it names, as on a processor without them.
[[nodiscard]] std::vector<Isa> available_isas();

/// [control] Throws ConfigError if NOVASR_ISA names none that is available. Everything else ignores such a name: the
/// environment of a host must not end it.
void check_isa_choice();

}  // namespace novasr
