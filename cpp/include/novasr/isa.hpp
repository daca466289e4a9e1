#pragma once
#include <string_view>
#include <vector>

namespace novasr {

/// Instruction sets of the compiled kernels.
enum class Isa {
  portable,  ///< four floats: SSE2 on x86-64, NEON on ARM64, SIMD128 in WebAssembly
  sse41,
  avx2,  ///< with FMA
  avx512
};

/// [any]
[[nodiscard]] std::string_view isa_name(Isa isa) noexcept;

/// [control] Instruction sets supported by this CPU and this build, slowest first; the last is the default. The
/// environment variable NOVASR_ISA sets an upper limit.
[[nodiscard]] std::vector<Isa> available_isas();

/// [control] Throws ConfigError if NOVASR_ISA names an unavailable instruction set. All other functions ignore an
/// invalid name, because an environment variable must not terminate a host.
void check_isa_choice();

}  // namespace novasr
