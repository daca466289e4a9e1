#pragma once
#include <array>
#include <cstddef>
#include <span>

#include "families/novasr/architecture.hpp"

namespace novasr {

/// The weights of the NovaSR network as published: in float32, not folded.
struct ModelWeights {
  static constexpr std::size_t kChannels = network::kChannels;

  /// One anti-aliased SnakeBeta: u + (1 - cos(2 a u)) / (2 b + 1e-9) with a = exp(alpha), b = exp(beta).
  struct Activation {
    std::array<float, kChannels> alpha;                         ///< logarithms
    std::array<float, kChannels> beta;                          ///< logarithms
    std::array<float, network::kFilterTaps> upsample_filter;    ///< symmetric; even and odd taps are the two phases
    std::array<float, network::kFilterTaps> downsample_filter;  ///< symmetric
  };

  std::array<float, kChannels * network::kPreTaps> conv_pre_weight;  ///< [channel][tap]
  std::array<float, kChannels> conv_pre_bias;
  std::array<float, kChannels * kChannels * network::kConvTaps> conv1_weight;  ///< [output][input][tap]
  std::array<float, kChannels> conv1_bias;
  std::array<float, kChannels * kChannels * network::kConvTaps> conv2_weight;  ///< [output][input][tap]
  std::array<float, kChannels> conv2_bias;
  std::array<Activation, 2> activations;
  std::array<float, kChannels * network::kPostTaps> conv_post_weight;  ///< [channel][tap]

  /// [control] Reads the values tensor by tensor, in the order of the members above.
  /// Throws ModelError, naming the tensor, if the count is wrong, a value is not finite or a filter is not symmetric.
  [[nodiscard]] static ModelWeights from_values(std::span<const float> values);
};

}  // namespace novasr
