#include "families/novasr/silence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "dsp/flush_denormals.hpp"
#include "families/novasr/network_stream.hpp"

namespace novasr {
namespace {

using kernels::kChannels;
using kernels::kMaxTiles;
using kernels::kMaxWidth;
using PerChannel = std::array<double, kChannels>;

double sum(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Passes a constant through the up-sampler (whose two phases are mirror images), the snake and the low-pass.
PerChannel activated(const ModelWeights::Activation& activation, PerChannel x) {
  for (std::size_t c = 0; c < kChannels; ++c) {
    const double a = std::exp(static_cast<double>(activation.alpha[c]));
    const double b = std::exp(static_cast<double>(activation.beta[c]));
    const double up = x[c] * sum(activation.upsample_filter);
    x[c] = (up + (1.0 - std::cos(2.0 * a * up)) / (2.0 * b + 1e-9)) * sum(activation.downsample_filter);
  }
  return x;
}

PerChannel convolved(std::span<const float> weight, std::span<const float> bias, const PerChannel& x) {
  PerChannel y;
  for (std::size_t out = 0; out < kChannels; ++out) {
    y[out] = bias[out];
    for (std::size_t in = 0; in < kChannels; ++in)
      y[out] += sum(weight.subspan((out * kChannels + in) * kernels::kConvTaps, kernels::kConvTaps)) * x[in];
  }
  return y;
}

}  // namespace

double silence_constant(const ModelWeights& weights) {
  PerChannel pre;
  std::ranges::copy(weights.conv_pre_bias, pre.begin());
  const PerChannel first = convolved(weights.conv1_weight, weights.conv1_bias, activated(weights.activations[0], pre));
  const PerChannel second =
      convolved(weights.conv2_weight, weights.conv2_bias, activated(weights.activations[1], first));
  double constant = 0.0;
  for (std::size_t c = 0; c < kChannels; ++c)
    constant += sum(std::span(weights.conv_post_weight).subspan(c * network::kPostTaps, network::kPostTaps)) *
                (second[c] + pre[c]);
  return std::abs(constant) < 0x1p-24 ? 0.0 : constant;
}

void measure_silence(const ModelWeights& weights, const std::shared_ptr<PreparedNetwork>& network,
                     const kernels::KernelTable& table) {
  const std::size_t points = network->tile.points;
  const std::size_t inputs = kMaxTiles * kernels::tile_inputs(points), frames = kMaxTiles * kernels::tile_rows(points);
  constexpr int kCalls = 3;                                            // the last call depends on silence only
  constexpr std::int64_t kLength = NetworkStream::kUnknownLength - 1;  // a known length disables skipping
  kernels::KernelTable without_tanh = table;
  without_tanh.tanh = [](float, size_t, float*) NOVASR_RT {};

  Silence& silence = network->silence;
  silence.sums.assign(frames, 0.0f);
  AlignedFloats scratch(Workspace::size(points));
  const Workspace workspace(points, scratch.data());
  const std::vector<float> zeros(inputs);
  std::vector<float> out(frames + kMaxWidth);
  NetworkStream stream(network, without_tanh);
  stream.reset();
  const FlushDenormals as_in_a_stream;
  for (int call = 0; call < kCalls; ++call)
    stream.process_tiles(zeros.data(), kMaxTiles, kLength, workspace, out.data());

  silence.sums.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(frames));
  silence.constant = static_cast<float>(silence_constant(weights));
  std::array<float, kMaxWidth> output{};
  table.tanh(silence.constant, output.size(), output.data());
  silence.output = output[0];
}

}  // namespace novasr
