#pragma once
#include "novasr/isa.hpp"

namespace novasr {

/// [control] Whether this CPU supports it and NOVASR_ISA allows it.
[[nodiscard]] bool is_available(Isa isa) noexcept;

/// [control] Throws ConfigError if it is not available.
void check_available(Isa isa);

}  // namespace novasr
