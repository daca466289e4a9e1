#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "default_weights.hpp"
#include "novasr/engine.hpp"
#include "signals.hpp"

namespace novasr::test {

/// Untrained weights: every tensor is random; the filters of the two activations differ but are symmetric.
inline ModelWeights random_weights(std::uint32_t seed) {
  std::mt19937 generator(seed);
  const auto fill = [&](auto& tensor, float scale, float mean = 0.0f) {
    std::normal_distribution<float> normal(mean, scale);
    std::ranges::generate(tensor, [&] { return normal(generator); });
  };
  ModelWeights w{};
  fill(w.conv_pre_weight, 0.3f);
  fill(w.conv_pre_bias, 0.1f);
  fill(w.conv1_weight, 0.04f);
  fill(w.conv1_bias, 0.1f);
  fill(w.conv2_weight, 0.04f);
  fill(w.conv2_bias, 0.1f);
  for (auto& activation : w.activations) {
    fill(activation.alpha, 0.4f);
    fill(activation.beta, 0.4f);
    for (auto* filter : {&activation.upsample_filter, &activation.downsample_filter}) {
      fill(*filter, 0.05f, 1.0f / 12.0f);
      std::copy_n(filter->begin(), 6, filter->rbegin());
    }
  }
  fill(w.conv_post_weight, 0.03f);
  return w;
}

/// The tensors concatenated, in the order of ModelWeights::from_values().
inline std::vector<float> values_of(const ModelWeights& w) {
  std::vector<float> values;
  const auto append = [&](const auto& tensor) { values.insert(values.end(), tensor.begin(), tensor.end()); };
  append(w.conv_pre_weight), append(w.conv_pre_bias);
  append(w.conv1_weight), append(w.conv1_bias), append(w.conv2_weight), append(w.conv2_bias);
  for (const auto& a : w.activations) {
    append(a.alpha), append(a.beta), append(a.upsample_filter), append(a.downsample_filter);
  }
  append(w.conv_post_weight);
  return values;
}

/// Runs one channel through process() in blocks of `block()` frames, without flush().
template <typename NextBlock>
std::vector<float> process_in_blocks(StreamingEngine& engine, std::span<const float> input, NextBlock&& block) {
  std::vector<float> output(3 * input.size());
  for (std::size_t done = 0; done < input.size();) {
    const std::size_t frames = std::min<std::size_t>(block(), input.size() - done);
    const float* in[] = {input.data() + done};
    float* out[] = {output.data() + 3 * done};
    engine.process(AudioView<const float>(in, 1, frames), AudioView<float>(out, 1, 3 * frames));
    done += frames;
  }
  return output;
}

/// The whole life of a stream: reset, process in blocks, flush; 3 N + latency frames.
template <typename NextBlock>
std::vector<float> run_stream(StreamingEngine& engine, std::span<const float> input, NextBlock&& block) {
  engine.reset();
  std::vector<float> output = process_in_blocks(engine, input, block);
  output.resize(output.size() + engine.latency_frames());
  float* tail[] = {output.data() + 3 * input.size()};
  engine.flush(AudioView<float>(tail, 1, engine.latency_frames()));
  return output;
}

/// run_stream() in one block, latency removed: 3 N frames.
inline std::vector<float> run_whole(StreamingEngine& engine, std::span<const float> input) {
  const auto output = run_stream(engine, input, [&] { return std::max<std::size_t>(input.size(), 1); });
  return {output.begin() + static_cast<std::ptrdiff_t>(engine.latency_frames()), output.end()};
}

struct Difference {
  double peak = 0.0;    ///< largest absolute error
  double snr_db = 0.0;  ///< of the expected signal over the error
};

template <typename Expected>
Difference difference(std::span<const float> actual, const std::vector<Expected>& expected) {
  double signal = 0.0, error = 1e-300;
  Difference result;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double e = actual[i] - static_cast<double>(expected[i]);
    result.peak = std::max(result.peak, std::abs(e));
    error += e * e;
    signal += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  result.snr_db = 10.0 * std::log10(signal / error);
  return result;
}

}  // namespace novasr::test
