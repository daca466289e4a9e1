#pragma once
#include "kernels.hpp"
#include "novasr/isa.hpp"

namespace novasr::kernels {

/// [control] Throws ConfigError if this build lacks the instruction set or this processor does.
[[nodiscard]] const KernelTable& table_for(Isa isa);

}  // namespace novasr::kernels
