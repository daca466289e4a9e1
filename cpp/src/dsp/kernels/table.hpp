#pragma once
#include "dsp/kernels/kernels.hpp"
#include "novasr/isa.hpp"

namespace novasr::dsp {

/// [control] Throws ConfigError if this CPU lacks the instruction set or NOVASR_ISA excludes it.
[[nodiscard]] const KernelTable& table_for(Isa isa);

}  // namespace novasr::dsp
