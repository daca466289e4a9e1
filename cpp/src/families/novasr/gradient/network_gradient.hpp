#pragma once
#include <cstddef>
#include <span>

#include "row_kernels.hpp"
#include "row_table.hpp"

namespace novasr::training {

constexpr std::size_t kChannels = 32;
constexpr std::size_t kPreTaps = 7;
constexpr std::size_t kBlockTaps = 11;
constexpr std::size_t kPostTaps = 7;
constexpr std::size_t kMergedTaps = kBlockTaps + kPostTaps - 1;
constexpr std::size_t kFilterTaps = 12;
constexpr std::size_t kTrim = 4;  // 3 N - 4 outputs of N inputs

/// The network as it is trained; row-major, the innermost index last. Nothing bends the signal between the second
/// convolution and the last, so the two come merged into one.
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
  std::span<Value> level;          // [1]: what the second convolution's bias adds to each output
};

/// The filters of the activations, which are not trained: up-sampler and low-pass of each.
struct Filters {
  std::span<const float> up[2];
  std::span<const float> down[2];
};

/// `clips` clips of `frames` inputs each to 3 * frames - kTrim outputs each, before the tanh.
void network_forward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                     std::size_t frames, std::span<float> output, std::size_t threads,
                     const RowKernels& kernels = best_row_kernels());

/// Adds to `gradients` those of the parameters, given those of the outputs before the tanh.
void network_backward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                      std::size_t frames, std::span<const float> output_gradient, const Parameters<float>& gradients,
                      std::size_t threads, const RowKernels& kernels = best_row_kernels());

}  // namespace novasr::training
