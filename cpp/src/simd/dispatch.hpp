#pragma once
#include "novasr/isa.hpp"

namespace novasr {

/// [control] Whether this CPU supports it and NOVASR_ISA allows it.
[[nodiscard]] bool is_available(Isa isa) noexcept;

/// [control] Throws ConfigError if it is not available.
void check_available(Isa isa);

/// [control] The best that is available.
[[nodiscard]] Isa best_isa() noexcept;

/// Tables of functions, one per compiled instruction set. An instruction set without its own table uses that of the
/// next lower one.
template <typename Table>
struct IsaTables {
  const Table& portable;
  const Table& sse41 = portable;
  const Table& avx2 = sse41;
  const Table& avx512 = avx2;

  /// [control] Throws ConfigError if `isa` is not available.
  [[nodiscard]] const Table& of(Isa isa) const {
    check_available(isa);
    switch (isa) {
      case Isa::portable:
        return portable;
      case Isa::sse41:
        return sse41;
      case Isa::avx2:
        return avx2;
      case Isa::avx512:
        return avx512;
    }
    return portable;
  }
};

}  // namespace novasr
