#pragma once
#include "kernels.hpp"
#include "novasr/native_engine.hpp"

namespace novasr::kernels {

/// [control] This processor runs it, and NOVASR_ISA allows it.
[[nodiscard]] bool is_available(Isa isa) noexcept;

/// [control] Throws ConfigError if this build lacks the instruction set or this processor does.
[[nodiscard]] const KernelTable& table_for(Isa isa);

}  // namespace novasr::kernels
