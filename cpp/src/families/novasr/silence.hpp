#pragma once
#include <memory>

#include "families/novasr/fold.hpp"
#include "families/novasr/kernels/kernels.hpp"
#include "families/novasr/weights.hpp"

namespace novasr {

/// The constant before the tanh for sustained silence, computed layer by layer as published, in double. A constant
/// below half a float step at full scale counts as 0: trained weights are silent up to the rounding of their biases.
[[nodiscard]] double silence_constant(const ModelWeights& weights);

/// [control] Fills network->silence by running the kernels on silence until the output is constant.
void measure_silence(const ModelWeights& weights, const std::shared_ptr<PreparedNetwork>& network,
                     const kernels::KernelTable& table);

}  // namespace novasr
