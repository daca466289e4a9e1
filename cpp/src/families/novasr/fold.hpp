#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "families/novasr/architecture.hpp"
#include "families/novasr/kernels/kernels.hpp"
#include "families/novasr/weights.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// The first and last outputs, where conv2, conv_post and the interpolation reach past the signal. There the merged
/// filters are invalid, so the contributions of conv_post's taps are kept separate and only those inside are added.
struct EdgeFilters {
  static constexpr std::size_t kTaps = network::kPostTaps;
  /// conv2 behind one tap of conv_post: [tap of conv_post][tap of conv2][channel]
  std::array<std::array<std::array<float, kernels::kChannels>, kernels::kConvTaps>, kTaps> branch;
  std::array<double, kTaps> branch_bias;
  /// conv_pre behind one tap of conv_post: [tap of conv_post][tap of conv_pre]
  std::array<std::array<double, kernels::kPreTaps>, kTaps> residual;
  std::array<double, kTaps> residual_bias;
};

/// First activation where it reaches past the signal: both phases of the 2x up-sampling as correlations at 48 kHz.
using UpsamplePhases = std::array<std::array<float, network::kPhaseTaps>, 2>;

/// Zero-initialised floats, aligned for every vector width.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t count);
  AlignedFloats(AlignedFloats&&) = default;
  AlignedFloats& operator=(AlignedFloats&&) = default;
  [[nodiscard]] float* data() NOVASR_RT { return data_; }
  [[nodiscard]] const float* data() const NOVASR_RT { return data_; }
  [[nodiscard]] std::size_t size() const NOVASR_RT { return size_; }

 private:
  std::vector<float> storage_;
  float* data_;
  std::size_t size_;
};

/// The network's output for sustained silence: one constant, independent of the rounding of the kernels.
struct Silence {
  /// The sums before the tanh computed by the kernels, for every row of kMaxTiles tiles. They equal the constant below
  /// except for rounding, which differs from row to row.
  std::vector<float> sums;
  float constant = 0.0f;  ///< of the sums, computed in double
  float output = 0.0f;    ///< its tanh
};

/// Weights folded for one tile size and one instruction set, computed in double. Immutable, shared by all channels.
struct PreparedNetwork {
  kernels::Network layers;
  EdgeFilters edges;
  UpsamplePhases phases;
  AlignedFloats tile_weights;  ///< the bias, then the weights of all products
  kernels::TileFilter tile;
  Silence silence;
};

/// [control] Throws ModelError if the folded weights exceed the range of float.
[[nodiscard]] std::shared_ptr<const PreparedNetwork> prepare_network(const ModelWeights& weights, std::size_t points,
                                                                     const kernels::KernelTable& table);

/// [control] prepare_network(), computed once for all engines that share `weights` and cached for their lifetime.
[[nodiscard]] std::shared_ptr<const PreparedNetwork> shared_network(const std::shared_ptr<const ModelWeights>& weights,
                                                                    std::size_t points,
                                                                    const kernels::KernelTable& table);

}  // namespace novasr
