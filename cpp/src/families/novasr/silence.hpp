#pragma once
#include <memory>

#include "families/novasr/fold.hpp"
#include "families/novasr/kernels/kernels.hpp"
#include "families/novasr/weights.hpp"

namespace novasr {

/// The constant before the tanh that lasting silence leads to, layer by layer as published, in double. Less than half a
/// step of float at full scale counts as 0: trained weights are made to be silent, up to the rounding of their biases.
[[nodiscard]] double silence_constant(const ModelWeights& weights);

/// [control] Fills network->silence: runs the kernels on silence until it lasts.
void measure_silence(const ModelWeights& weights, const std::shared_ptr<PreparedNetwork>& network,
                     const kernels::KernelTable& table);

}  // namespace novasr
