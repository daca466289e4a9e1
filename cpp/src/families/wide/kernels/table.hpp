#pragma once
#include "families/wide/kernels/kernels.hpp"
#include "novasr/isa.hpp"

namespace novasr::wide::kernels {

/// [control] Throws ConfigError if this build or this CPU lacks the instruction set.
[[nodiscard]] const KernelTable& table_for(Isa isa);

}  // namespace novasr::wide::kernels
