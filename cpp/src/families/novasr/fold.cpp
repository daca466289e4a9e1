#include "families/novasr/fold.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

#include "concurrency/mutex.hpp"
#include "dsp/floor_div.hpp"
#include "families/novasr/silence.hpp"
#include "families/novasr/tile_filter.hpp"
#include "novasr/errors.hpp"

namespace novasr {
namespace {

using kernels::kChannels;
using kernels::kConvTaps;
using kernels::kPreTaps;
using network::kFilterTaps;
using network::kPhaseTaps;
using network::kPostTaps;
using PerChannel = std::array<double, kChannels>;

/// Folded factors of one activation: see kernels::Network.
struct SnakeScales {
  PerChannel in;     ///< a / pi, into the layer before
  PerChannel out;    ///< g, into the layer after
  PerChannel kappa;  ///< pi / (a g)
};

SnakeScales snake_scales(const ModelWeights::Activation& activation) {
  SnakeScales scales{};
  for (std::size_t c = 0; c < kChannels; ++c) {
    scales.in[c] = std::exp(static_cast<double>(activation.alpha[c])) / std::numbers::pi;
    scales.out[c] = 1.0 / (2.0 * std::exp(static_cast<double>(activation.beta[c])) + 1e-9);
    scales.kappa[c] = 1.0 / (scales.in[c] * scales.out[c]);
  }
  return scales;
}

using Phases = std::array<std::array<double, kPhaseTaps>, 2>;

/// The two phases of the 2x up-sampling, as correlations; the factor 2 keeps the level.
Phases upsample_phases(const std::array<float, kFilterTaps>& filter) {
  Phases phases;
  for (std::size_t k = 0; k < kFilterTaps; ++k) {
    phases[k % 2][k / 2] =
        static_cast<double>(filter[k]) + static_cast<double>(filter[kFilterTaps - 1 - k]);  // 2 x the mean
  }
  return phases;
}

/// One 48 kHz frame as a weighted sum of two 16 kHz frames: linear interpolation with align_corners = False.
struct Interpolation {
  std::int64_t frame[2];
  double weight[2];
};

Interpolation interpolation(std::int64_t t) {
  constexpr std::int64_t kRatio = network::kRatio;
  const std::int64_t i = floor_div(t, kRatio);
  switch (t - kRatio * i) {
    case 0:
      return {{i - 1, i}, {1.0 / 3, 2.0 / 3}};
    case 1:
      return {{i, i}, {1.0, 0.0}};
    default:
      return {{i, i + 1}, {2.0 / 3, 1.0 / 3}};
  }
}

/// Taps of the six phases of interpolation and up-sampling on the 16 kHz frames -1 .. 2.
std::array<std::array<double, 4>, 2 * network::kRatio> merged_upsampler(const Phases& phases) {
  constexpr auto kBefore = static_cast<std::int64_t>(kPhaseTaps / 2 - 1);  // taps ahead of a phase's own frame
  std::array<std::array<double, 4>, 2 * network::kRatio> merged{};
  for (std::size_t out = 0; out < merged.size(); ++out) {
    for (std::size_t j = 0; j < kPhaseTaps; ++j) {
      const Interpolation from = interpolation(static_cast<std::int64_t>(out / 2 + j) - kBefore);
      for (int side = 0; side < 2; ++side) {
        merged[out][static_cast<std::size_t>(from.frame[side] + 1)] += phases[out % 2][j] * from.weight[side];
      }
    }
  }
  return merged;
}

/// Symmetric and antisymmetric parts of a pair of mirrored taps.
double even(double a, double b) {
  return (a + b) / 2;
}
double odd(double a, double b) {
  return (a - b) / 2;
}

void fold_upsamplers(const ModelWeights& weights, kernels::Network& net) {
  const auto m = merged_upsampler(upsample_phases(weights.activations[0].upsample_filter));
  const double from_16k[] = {m[0][1],
                             even(m[0][0], m[0][2]),
                             odd(m[0][0], m[0][2]),  //
                             m[1][1],
                             even(m[1][0], m[1][2]),
                             odd(m[1][0], m[1][2]),  //
                             even(m[4][0], m[4][3]),
                             even(m[4][1], m[4][2]),  //
                             odd(m[4][0], m[4][3]),
                             odd(m[4][1], m[4][2])};
  std::ranges::transform(from_16k, net.up_from_16k, [](double x) { return static_cast<float>(x); });

  const auto phase = upsample_phases(weights.activations[1].upsample_filter)[0];
  constexpr std::size_t kPairs = kPhaseTaps / 2;
  for (std::size_t j = 0; j < kPairs; ++j) {
    net.up_from_48k[j] = static_cast<float>(even(phase[j], phase[kPhaseTaps - 1 - j]));
    net.up_from_48k[kPairs + j] = static_cast<float>(odd(phase[j], phase[kPhaseTaps - 1 - j]));
  }
}

void fold_output(const ModelWeights& weights, const PerChannel& gain, kernels::Network& net, EdgeFilters& edges) {
  double merged[kernels::kOutputTaps][kChannels] = {};
  for (std::size_t j = 0; j < EdgeFilters::kTaps; ++j) {
    std::array<std::array<double, kChannels>, kConvTaps> branch{};
    edges.branch_bias[j] = edges.residual_bias[j] = 0.0;
    edges.residual[j] = {};
    for (std::size_t c = 0; c < kChannels; ++c) {
      const double post = weights.conv_post_weight[c * kPostTaps + j];
      edges.branch_bias[j] += post * weights.conv2_bias[c];
      edges.residual_bias[j] += post * weights.conv_pre_bias[c];
      for (std::size_t k = 0; k < kPreTaps; ++k)
        edges.residual[j][k] += post * weights.conv_pre_weight[c * kPreTaps + k];
      for (std::size_t in = 0; in < kChannels; ++in) {
        for (std::size_t k = 0; k < kConvTaps; ++k) {
          branch[k][in] += post * weights.conv2_weight[(c * kChannels + in) * kConvTaps + k] * gain[in];
        }
      }
    }
    for (std::size_t k = 0; k < kConvTaps; ++k) {
      for (std::size_t in = 0; in < kChannels; ++in) {
        edges.branch[j][k][in] = static_cast<float>(branch[k][in]);
        merged[j + k][in] += branch[k][in];
      }
    }
  }
  for (std::size_t k = 0; k < kernels::kOutputTaps; ++k) {
    for (std::size_t in = 0; in < kChannels; ++in) net.output_weight[k][in] = static_cast<float>(merged[k][in]);
  }
}

void fold_residual(const EdgeFilters& edges, kernels::Network& net) {
  constexpr std::int64_t kPreReach = kPreTaps / 2, kPostReach = kPostTaps / 2, kReach = kernels::kResidualTaps / 2;
  for (std::size_t phase = 0; phase < network::kRatio; ++phase) {
    std::array<double, kernels::kResidualTaps> taps{};
    double bias = 0.0;
    for (std::size_t j = 0; j < EdgeFilters::kTaps; ++j) {
      bias += edges.branch_bias[j] + edges.residual_bias[j];
      const Interpolation from = interpolation(static_cast<std::int64_t>(phase + j) - kPostReach);
      for (int side = 0; side < 2; ++side) {
        for (std::size_t k = 0; k < kPreTaps; ++k) {
          const double tap = edges.residual[j][k] * from.weight[side];
          const std::int64_t index = from.frame[side] + static_cast<std::int64_t>(k) - kPreReach + kReach;
          if (from.weight[side] != 0.0) taps[static_cast<std::size_t>(index)] += tap;
        }
      }
    }
    for (std::size_t k = 0; k < taps.size(); ++k) net.residual_weight[phase][k] = static_cast<float>(taps[k]);
    net.residual_bias[phase] = static_cast<float>(bias);
  }
}

/// Bias, then weights [product][input][output], of the convolution between the two activations.
AlignedFloats fold_convolution(const ModelWeights& weights, const PerChannel& gain_in, const PerChannel& gain_out,
                               std::size_t points) {
  AlignedFloats folded(kChannels + kernels::tile_products(points) * kChannels * kChannels);
  for (std::size_t out = 0; out < kChannels; ++out) {
    folded.data()[out] = static_cast<float>(weights.conv1_bias[out] * gain_out[out]);
    for (std::size_t in = 0; in < kChannels; ++in) {
      std::array<double, kConvTaps> taps;
      for (std::size_t k = 0; k < kConvTaps; ++k) {
        taps[k] = weights.conv1_weight[(out * kChannels + in) * kConvTaps + k] * gain_in[in] * gain_out[out];
      }
      float* weight = folded.data() + kChannels + in * kChannels + out;
      for (const double factor : tile_factors(taps, points)) {
        *weight = static_cast<float>(factor);
        weight += kChannels * kChannels;
      }
    }
  }
  return folded;
}

/// Minimax coefficients of sin(2 pi q) on |q| <= 1/4, by Remez exchange in double: error 1.23e-8.
constexpr double kSine[kernels::kSineTerms] = {6.2831853018906845, -41.3416918643384, 81.60326572878891,
                                               -76.59820792039793, 39.87323177856197};

void check_finite(std::span<const float> values, const char* what) {
  if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) {
    throw ModelError(std::string("folding the weights overflows float in ") + what +
                     ": alpha or beta of an activation is too large or too small");
  }
}

}  // namespace

AlignedFloats::AlignedFloats(std::size_t count) : storage_(count + kernels::kMaxWidth), size_(count) {
  constexpr std::uintptr_t kAlignment = 4 * kernels::kMaxWidth;
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
  const std::size_t skipped = (kAlignment - address % kAlignment) % kAlignment / sizeof(float);
  data_ = storage_.data() + skipped;
}

std::shared_ptr<const PreparedNetwork> prepare_network(const ModelWeights& weights, std::size_t points,
                                                       const kernels::KernelTable& table) {
  const SnakeScales first = snake_scales(weights.activations[0]), second = snake_scales(weights.activations[1]);
  auto prepared = std::make_shared<PreparedNetwork>(PreparedNetwork{
      {}, {}, {}, fold_convolution(weights, first.out, second.in, points), {points, nullptr, nullptr}, {}});
  kernels::Network& net = prepared->layers;

  for (std::size_t c = 0; c < kChannels; ++c) {
    net.pre_bias[c] = static_cast<float>(weights.conv_pre_bias[c] * first.in[c]);
    for (std::size_t k = 0; k < kPreTaps; ++k) {
      net.pre_weight[k][c] = static_cast<float>(weights.conv_pre_weight[c * kPreTaps + k] * first.in[c]);
    }
    net.kappa[0][c] = static_cast<float>(first.kappa[c]);
    net.kappa[1][c] = static_cast<float>(second.kappa[c]);
  }
  fold_upsamplers(weights, net);
  for (std::size_t a = 0; a < 2; ++a) {
    for (std::size_t k = 0; k < kFilterTaps / 2; ++k) {
      const auto& filter = weights.activations[a].downsample_filter;
      net.low_pass[a][k] = static_cast<float>(even(filter[k], filter[kFilterTaps - 1 - k]));
    }
  }
  for (std::size_t i = 0; i < kernels::kSineTerms; ++i) net.sine[i] = static_cast<float>(kSine[i]);
  fold_output(weights, second.out, net, prepared->edges);
  fold_residual(prepared->edges, net);

  const auto phases = upsample_phases(weights.activations[0].upsample_filter);
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t j = 0; j < kPhaseTaps; ++j) prepared->phases[r][j] = static_cast<float>(phases[r][j]);
  }
  prepared->tile.bias = prepared->tile_weights.data();
  prepared->tile.weight = prepared->tile_weights.data() + kChannels;

  check_finite({prepared->tile_weights.data(), prepared->tile_weights.size()}, "the convolution");
  check_finite({net.pre_weight[0], sizeof net.pre_weight / sizeof(float)}, "conv_pre");
  check_finite({net.kappa[0], sizeof net.kappa / sizeof(float)}, "the activations");
  check_finite({net.output_weight[0], sizeof net.output_weight / sizeof(float)}, "the output filter");
  measure_silence(weights, prepared, table);
  return prepared;
}

std::shared_ptr<const PreparedNetwork> shared_network(const std::shared_ptr<const ModelWeights>& weights,
                                                      std::size_t points, const kernels::KernelTable& table) {
  struct Entry {
    std::weak_ptr<const ModelWeights> weights;
    std::size_t points;
    kernels::KernelTable table;
    std::shared_ptr<const PreparedNetwork> network;
  };
  static Mutex mutex;
  static std::vector<Entry> entries;

  const std::lock_guard lock(mutex);
  std::erase_if(entries, [](const Entry& entry) { return entry.weights.expired(); });
  for (const Entry& entry : entries)
    if (entry.weights.lock() == weights && entry.points == points && entry.table == table) return entry.network;
  return entries.emplace_back(Entry{weights, points, table, prepare_network(*weights, points, table)}).network;
}

}  // namespace novasr
