#pragma once
#include <cstddef>
#include <span>

#include "families/novasr/architecture.hpp"
#include "row_kernels.hpp"
#include "row_table.hpp"

namespace novasr::training {

using network::kChannels;
using network::kFilterTaps;
using network::kPostTaps;
using network::kPreTaps;
constexpr std::size_t kBlockTaps = network::kConvTaps;
constexpr std::size_t kMergedTaps = kBlockTaps + kPostTaps - 1;
constexpr std::size_t kTrim = 2 * network::kTrim;  // 3 N - 4 outputs of N inputs

/// The network as it is trained; row-major, the innermost index last. There is no non-linearity between conv2 and
/// conv_post, so they are merged into a single 17-tap filter.
template <typename Value>
struct Parameters {
  std::span<Value> pre_weight;     // [tap][channel]
  std::span<Value> pre_bias;       // [channel]
  std::span<Value> alpha[2];       // [channel], of each activation
  std::span<Value> beta[2];        //
  std::span<Value> conv_weight;    // [tap][in][out]
  std::span<Value> conv_bias;      // [out]
  std::span<Value> merged_weight;  // [tap][channel]
  std::span<Value> post_weight;    // [tap][channel], for the residual branch
  std::span<Value> level;          // [1]: contribution of conv2's bias to each output
};

/// The fixed filters of the activations: up-sampler and low-pass of each.
struct Filters {
  std::span<const float> up[2];
  std::span<const float> down[2];
};

/// Computes `clips` clips of `frames` inputs to 3 * frames - kTrim outputs each, before the tanh.
void network_forward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                     std::size_t frames, std::span<float> output, std::size_t threads,
                     const RowKernels& kernels = best_row_kernels());

/// Adds the parameter gradients to `gradients`, given the gradients of the outputs before the tanh.
void network_backward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                      std::size_t frames, std::span<const float> output_gradient, const Parameters<float>& gradients,
                      std::size_t threads, const RowKernels& kernels = best_row_kernels());

}  // namespace novasr::training
