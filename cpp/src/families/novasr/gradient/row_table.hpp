#pragma once
#include <vector>

#include "row_kernels.hpp"

namespace novasr::training {

/// Those that this processor can run and NOVASR_ISA allows, from the plainest to the best.
[[nodiscard]] std::vector<const RowKernels*> available_row_kernels();
[[nodiscard]] const RowKernels& best_row_kernels();

}  // namespace novasr::training
