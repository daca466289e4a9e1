#include "reference_network.hpp"

#include <array>
#include <cmath>

namespace novasr::test {
namespace {

constexpr std::size_t kChannels = ModelWeights::kChannels;
using Rows = std::vector<std::array<double, kChannels>>;

double at(const Rows& rows, std::ptrdiff_t t, std::size_t c) {
  return t < 0 || t >= std::ssize(rows) ? 0.0 : rows[static_cast<std::size_t>(t)][c];
}

Rows conv_pre(const ModelWeights& w, std::span<const float> input) {
  Rows out(input.size());
  for (std::ptrdiff_t i = 0; i < std::ssize(input); ++i) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      double sum = w.conv_pre_bias[c];
      for (std::ptrdiff_t k = 0; k < 7; ++k) {
        const std::ptrdiff_t n = i + k - 3;
        if (n >= 0 && n < std::ssize(input)) sum += static_cast<double>(w.conv_pre_weight[c * 7 + k]) * input[n];
      }
      out[i][c] = sum;
    }
  }
  return out;
}

/// x3, linear, align_corners = False.
Rows interpolate(const Rows& rows) {
  Rows out(3 * rows.size());
  for (std::size_t t = 0; t < out.size(); ++t) {
    const double position = std::max(0.0, (static_cast<double>(t) + 0.5) / 3.0 - 0.5);
    const auto left = static_cast<std::size_t>(position);
    const std::size_t right = std::min(left + 1, rows.size() - 1);
    const double weight = position - static_cast<double>(left);
    for (std::size_t c = 0; c < kChannels; ++c) out[t][c] = (1.0 - weight) * rows[left][c] + weight * rows[right][c];
  }
  return out;
}

/// Two frames shorter than its input.
Rows activate(const ModelWeights::Activation& w, const Rows& rows) {
  const std::ptrdiff_t length = std::ssize(rows);
  if (length < 3) return {};
  Rows up(static_cast<std::size_t>(2 * length - 4));
  for (std::ptrdiff_t n = 0; n < std::ssize(up); ++n) {
    const std::ptrdiff_t t = (n + 2) / 2, phase = (n + 2) % 2;
    for (std::size_t c = 0; c < kChannels; ++c) {
      double u = 0.0;
      for (std::ptrdiff_t j = 0; j < 6; ++j) {
        u += 2.0 * static_cast<double>(w.upsample_filter[static_cast<std::size_t>(2 * j + phase)]) *
             at(rows, t - 2 + j, c);
      }
      const double a = std::exp(static_cast<double>(w.alpha[c])), b = std::exp(static_cast<double>(w.beta[c]));
      up[n][c] = u + (1.0 - std::cos(2.0 * a * u)) / (2.0 * b + 1e-9);
    }
  }
  Rows out(static_cast<std::size_t>(length - 2));
  for (std::ptrdiff_t t = 0; t < std::ssize(out); ++t) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      double sum = 0.0;
      for (std::ptrdiff_t k = 0; k < 12; ++k) {
        sum += static_cast<double>(w.downsample_filter[static_cast<std::size_t>(k)]) * at(up, 2 * t - 5 + k, c);
      }
      out[t][c] = sum;
    }
  }
  return out;
}

Rows conv_11(std::span<const float> weight, std::span<const float> bias, const Rows& rows) {
  Rows out(rows.size());
  for (std::ptrdiff_t t = 0; t < std::ssize(rows); ++t) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      double sum = bias[c];
      for (std::size_t in = 0; in < kChannels; ++in) {
        for (std::ptrdiff_t k = 0; k < 11; ++k) {
          sum += static_cast<double>(weight[(c * kChannels + in) * 11 + static_cast<std::size_t>(k)]) *
                 at(rows, t - 5 + k, in);
        }
      }
      out[t][c] = sum;
    }
  }
  return out;
}

}  // namespace

std::vector<double> reference_network(const ModelWeights& w, std::span<const float> input) {
  if (input.size() < 2) return {};
  const Rows interpolated = interpolate(conv_pre(w, input));
  Rows sum = conv_11(w.conv1_weight, w.conv1_bias, activate(w.activations[0], interpolated));
  sum = conv_11(w.conv2_weight, w.conv2_bias, activate(w.activations[1], sum));
  for (std::size_t t = 0; t < sum.size(); ++t) {
    for (std::size_t c = 0; c < kChannels; ++c) sum[t][c] += interpolated[t][c];
  }
  std::vector<double> out(sum.size());
  for (std::ptrdiff_t t = 0; t < std::ssize(out); ++t) {
    for (std::size_t c = 0; c < kChannels; ++c) {
      for (std::ptrdiff_t j = 0; j < 7; ++j) {
        out[t] += static_cast<double>(w.conv_post_weight[c * 7 + static_cast<std::size_t>(j)]) * at(sum, t - 3 + j, c);
      }
    }
    out[t] = std::tanh(out[t]);
  }
  return out;
}

}  // namespace novasr::test
