#pragma once
#include <vector>

#include "row_kernels.hpp"

namespace novasr::training {

/// The kernels that this CPU supports and NOVASR_ISA allows, slowest first.
[[nodiscard]] std::vector<const RowKernels*> available_row_kernels();
[[nodiscard]] const RowKernels& best_row_kernels();

}  // namespace novasr::training
