#pragma once
#include <span>
#include <vector>

#include "families/novasr/weights.hpp"

namespace novasr::test {

/// The network on a whole file, as published: one loop per layer, in double, nothing merged, slow.
/// 3 N - 4 outputs for N >= 2 inputs, none for fewer.
[[nodiscard]] std::vector<double> reference_network(const ModelWeights& weights, std::span<const float> input);

}  // namespace novasr::test
