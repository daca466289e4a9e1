#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "native_support.hpp"
#include "network_gradient.hpp"
#include "reference_network.hpp"

using namespace novasr;
using namespace novasr::test;
using namespace novasr::training;

namespace {

constexpr std::size_t kEdge = 3;  // outputs at either end, where the merged convolution lacks conv2's padding
constexpr std::size_t kMiddle = kPostTaps / 2;
constexpr std::array<std::size_t, 3> kComparedChannels = {0, 13, 31};

/// All trained values in the order and layout of Parameters.
struct Values {
  std::vector<float> pre_weight = std::vector<float>(kPreTaps * kChannels);
  std::vector<float> pre_bias = std::vector<float>(kChannels);
  std::vector<float> alpha[2] = {pre_bias, pre_bias};
  std::vector<float> beta[2] = {pre_bias, pre_bias};
  std::vector<float> conv_weight = std::vector<float>(kBlockTaps * kChannels * kChannels);
  std::vector<float> conv_bias = pre_bias;
  std::vector<float> merged_weight = std::vector<float>(kMergedTaps * kChannels);
  std::vector<float> post_weight = std::vector<float>(kPostTaps * kChannels);
  std::vector<float> level = {0.0f};

  template <typename Value>
  Parameters<Value> view() {
    return {pre_weight,  pre_bias, {alpha[0], alpha[1]}, {beta[0], beta[1]}, conv_weight, conv_bias, merged_weight,
            post_weight, level};
  }

  [[nodiscard]] std::vector<float> flat() const {
    std::vector<float> all;
    for (const auto* part : {&pre_weight, &pre_bias, &alpha[0], &alpha[1], &beta[0], &beta[1], &conv_weight, &conv_bias,
                             &merged_weight, &post_weight, &level})
      all.insert(all.end(), part->begin(), part->end());
    return all;
  }
};

/// post[tap][channel] of the published layout; conv_post has one output.
float post_of(const ModelWeights& w, std::size_t channel, std::size_t tap) {
  return w.conv_post_weight[channel * kPostTaps + tap];
}
float conv2_of(const ModelWeights& w, std::size_t out, std::size_t in, std::size_t tap) {
  return w.conv2_weight[(out * kChannels + in) * kBlockTaps + tap];
}

Values values_of_network(const ModelWeights& w) {
  Values v;
  for (std::size_t a = 0; a < 2; ++a) {
    std::ranges::copy(w.activations[a].alpha, v.alpha[a].begin());
    std::ranges::copy(w.activations[a].beta, v.beta[a].begin());
  }
  std::ranges::copy(w.conv_pre_bias, v.pre_bias.begin());
  std::ranges::copy(w.conv1_bias, v.conv_bias.begin());
  for (std::size_t c = 0; c < kChannels; ++c) {
    for (std::size_t k = 0; k < kPreTaps; ++k) v.pre_weight[k * kChannels + c] = w.conv_pre_weight[c * kPreTaps + k];
    for (std::size_t k = 0; k < kPostTaps; ++k) {
      v.post_weight[k * kChannels + c] = post_of(w, c, k);
      v.level[0] += post_of(w, c, k) * w.conv2_bias[c];
    }
    for (std::size_t in = 0; in < kChannels; ++in)
      for (std::size_t k = 0; k < kBlockTaps; ++k)
        v.conv_weight[(k * kChannels + in) * kChannels + c] = w.conv1_weight[(c * kChannels + in) * kBlockTaps + k];
  }
  for (std::size_t in = 0; in < kChannels; ++in)
    for (std::size_t k = 0; k < kBlockTaps; ++k)
      for (std::size_t j = 0; j < kPostTaps; ++j) {
        double sum = 0.0;
        for (std::size_t out = 0; out < kChannels; ++out)
          sum += static_cast<double>(conv2_of(w, out, in, k)) * post_of(w, out, j);
        v.merged_weight[(k + j) * kChannels + in] += static_cast<float>(sum);
      }
  return v;
}

Filters filters_of(const ModelWeights& w) {
  const auto& [first, second] = w.activations;
  return {{first.upsample_filter, second.upsample_filter}, {first.downsample_filter, second.downsample_filter}};
}

/// Consecutive clips, and the loss: the sum of projection * tanh(output).
struct Task {
  std::size_t frames;
  std::vector<float> audio;
  std::vector<float> projection;

  Task(std::size_t clips, std::size_t length, std::size_t edge)
      : frames(length),
        audio(gaussian_noise(clips * length, 0.3f, 7)),
        projection(gaussian_noise(clips * outputs(), 1.0f, 8)) {
    for (std::size_t i = 0; i < projection.size(); ++i) {
      const std::size_t at = i % outputs();
      if (at < edge || at + edge >= outputs()) projection[i] = 0.0f;
    }
  }

  [[nodiscard]] std::size_t outputs() const { return 3 * frames - kTrim; }

  [[nodiscard]] std::vector<double> reference(const ModelWeights& w) const {
    std::vector<double> all;
    for (std::size_t at = 0; at < audio.size(); at += frames) {
      const auto clip = reference_network(w, std::span(audio).subspan(at, frames));
      all.insert(all.end(), clip.begin(), clip.end());
    }
    return all;
  }

  [[nodiscard]] double loss(const ModelWeights& w) const {
    double sum = 0.0;
    const auto all = reference(w);
    for (std::size_t i = 0; i < all.size(); ++i) sum += projection[i] * all[i];
    return sum;
  }

  [[nodiscard]] std::vector<float> forward(const ModelWeights& w, std::size_t threads,
                                           const RowKernels& kernels) const {
    Values values = values_of_network(w);
    std::vector<float> output(projection.size());
    network_forward(values.view<const float>(), filters_of(w), audio, frames, output, threads, kernels);
    return output;
  }

  [[nodiscard]] Values gradients(const ModelWeights& w, std::size_t threads, const RowKernels& kernels) const {
    std::vector<float> output_gradient = forward(w, threads, kernels);
    for (std::size_t i = 0; i < output_gradient.size(); ++i) {
      const float out = std::tanh(output_gradient[i]);
      output_gradient[i] = projection[i] * (1.0f - out * out);
    }
    Values values = values_of_network(w), found;
    network_backward(values.view<const float>(), filters_of(w), audio, frames, output_gradient, found.view<float>(),
                     threads, kernels);
    return found;
  }
};

/// One weight, and the gradient that training computes for it.
struct Entry {
  std::string name;
  std::function<float&(ModelWeights&)> value;
  double gradient;
  double largest;  // of its tensor
};

double largest_of(const std::vector<float>& values) {
  double largest = 0.0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

/// Several weights of every tensor. Gradients of merged tensors are propagated back to the original ones.
std::vector<Entry> entries_of(const ModelWeights& w, const Values& g) {
  std::vector<Entry> entries;
  for (const std::size_t c : kComparedChannels) {
    const std::size_t in = (c + 5) % kChannels, pre_tap = c % kPreTaps, tap = c % kBlockTaps;
    const auto add = [&](const char* name, auto value, double gradient, double largest) {
      entries.push_back({std::string(name) + " of channel " + std::to_string(c), value, gradient, largest});
    };
    add(
        "conv_pre.weight", [=](ModelWeights& m) -> float& { return m.conv_pre_weight[c * kPreTaps + pre_tap]; },
        g.pre_weight[pre_tap * kChannels + c], largest_of(g.pre_weight));
    add(
        "conv_pre.bias", [=](ModelWeights& m) -> float& { return m.conv_pre_bias[c]; }, g.pre_bias[c],
        largest_of(g.pre_bias));
    for (std::size_t a = 0; a < 2; ++a) {
      add(
          "alpha", [=](ModelWeights& m) -> float& { return m.activations[a].alpha[c]; }, g.alpha[a][c],
          largest_of(g.alpha[a]));
      add(
          "beta", [=](ModelWeights& m) -> float& { return m.activations[a].beta[c]; }, g.beta[a][c],
          largest_of(g.beta[a]));
    }
    add(
        "conv1.weight",
        [=](ModelWeights& m) -> float& { return m.conv1_weight[(c * kChannels + in) * kBlockTaps + tap]; },
        g.conv_weight[(tap * kChannels + in) * kChannels + c], largest_of(g.conv_weight));
    add(
        "conv1.bias", [=](ModelWeights& m) -> float& { return m.conv1_bias[c]; }, g.conv_bias[c],
        largest_of(g.conv_bias));

    double of_conv2 = 0.0, of_bias2 = 0.0, post_size = 0.0;
    for (std::size_t j = 0; j < kPostTaps; ++j) {
      of_conv2 += static_cast<double>(g.merged_weight[(tap + j) * kChannels + in]) * post_of(w, c, j);
      of_bias2 += static_cast<double>(g.level[0]) * post_of(w, c, j);
      post_size += std::abs(post_of(w, c, j));
    }
    add(
        "conv2.weight",
        [=](ModelWeights& m) -> float& { return m.conv2_weight[(c * kChannels + in) * kBlockTaps + tap]; }, of_conv2,
        post_size* largest_of(g.merged_weight));
    add(
        "conv2.bias", [=](ModelWeights& m) -> float& { return m.conv2_bias[c]; }, of_bias2,
        post_size* largest_of(g.level));

    double of_post = g.post_weight[kMiddle * kChannels + c] + static_cast<double>(g.level[0]) * w.conv2_bias[c];
    double conv2_size = 0.0;
    for (std::size_t i = 0; i < kChannels; ++i)
      for (std::size_t k = 0; k < kBlockTaps; ++k) {
        of_post += static_cast<double>(g.merged_weight[(k + kMiddle) * kChannels + i]) * conv2_of(w, c, i, k);
        conv2_size = std::max<double>(conv2_size, std::abs(conv2_of(w, c, i, k)));
      }
    add(
        "conv_post.weight", [=](ModelWeights& m) -> float& { return m.conv_post_weight[c * kPostTaps + kMiddle]; },
        of_post, largest_of(g.post_weight) + conv2_size * largest_of(g.merged_weight));
  }
  return entries;
}

/// Of the reference in double. Rounding to float may change the step, so the difference is divided by the actual one.
double central_difference(const Task& task, ModelWeights w, const Entry& entry) {
  constexpr float kStep = 1.0f / 1024;
  float& value = entry.value(w);
  const float before = value;
  value = before + kStep;
  const double above = value, loss_above = task.loss(w);
  value = before - kStep;
  return (loss_above - task.loss(w)) / (above - value);
}

/// Only the middle tap of conv_post: no output depends on the padding of conv2.
ModelWeights with_middle_tap_only(ModelWeights w) {
  for (std::size_t i = 0; i < w.conv_post_weight.size(); ++i)
    if (i % kPostTaps != kMiddle) w.conv_post_weight[i] = 0.0f;
  return w;
}

/// With fewer than 7 outputs (3 N - 4) all are edge outputs, so only a network without edge effects can be compared.
struct Case {
  std::size_t frames;
  ModelWeights weights;
  Task task;

  explicit Case(std::size_t n, std::size_t clips = 2)
      : frames(n), weights(random_weights(3)), task(clips, n, n < 4 ? 0 : kEdge) {
    if (n < 4) weights = with_middle_tap_only(weights);
  }
};

constexpr double kOutputError = 3e-7;    // float32 rounding near full scale; measured up to 0.6e-7
constexpr double kGradientError = 4e-6;  // of the tensor's largest. The cosine's series is 4e-7 off, the step's third
                                         // order 2e-7, rounding adds as much; measured up to 0.7e-6.

std::vector<double> central_differences(const Task& task, const ModelWeights& w, const std::vector<Entry>& entries) {
  std::vector<double> all;
  all.reserve(entries.size());
  for (const Entry& entry : entries) all.push_back(central_difference(task, w, entry));
  return all;
}

}  // namespace

TEST_CASE("Network gradient: outputs match the reference", "[training]") {
  for (const std::size_t frames : {2, 3, 4, 5, 81, 82, 300}) {
    const Case c(frames);
    const auto expected = c.task.reference(c.weights);
    for (const RowKernels* kernels : available_row_kernels()) {
      const auto output = c.task.forward(c.weights, 2, *kernels);
      double worst = 0.0;
      for (std::size_t i = 0; i < output.size(); ++i)
        if (c.task.projection[i] != 0.0f) worst = std::max(worst, std::abs(std::tanh(output[i]) - expected[i]));
      INFO(frames << " frames: error " << worst);
      CHECK(worst < kOutputError);
    }
  }
}

TEST_CASE("Network gradient: every tensor's gradient matches the central difference of the reference", "[training]") {
  for (const std::size_t frames : {2, 3, 4, 83}) {  // 83: two tiles
    const Case c(frames, frames < 10 ? 2 : 1);
    std::vector<double> expected;
    for (const RowKernels* kernels : available_row_kernels()) {
      const auto entries = entries_of(c.weights, c.task.gradients(c.weights, 2, *kernels));
      if (expected.empty()) expected = central_differences(c.task, c.weights, entries);
      for (std::size_t i = 0; i < entries.size(); ++i) {
        INFO(frames << " frames, " << entries[i].name << ": " << entries[i].gradient << ", reference " << expected[i]);
        CHECK(std::abs(entries[i].gradient - expected[i]) < kGradientError * entries[i].largest);
      }
    }
  }
}

TEST_CASE("Network gradient: control, another channel's gradients do not match", "[training]") {
  const Case c(20);
  const auto entries = entries_of(c.weights, c.task.gradients(c.weights, 2, best_row_kernels()));
  const auto expected = central_differences(c.task, c.weights, entries);
  const std::size_t others = entries.size() / kComparedChannels.size();  // those of the next channel
  for (std::size_t i = 0; i < entries.size(); ++i) {
    INFO(entries[i].name << ": " << entries[i].gradient);
    CHECK(std::abs(entries[i].gradient - expected[(i + others) % entries.size()]) >
          kGradientError * entries[i].largest);
  }
}

TEST_CASE("Network gradient: the number of threads changes only the last bits of gradients", "[training]") {
  const Case c(330);  // two clips of four tiles and a bit
  for (const RowKernels* kernels : available_row_kernels()) {
    const auto output = c.task.forward(c.weights, 1, *kernels);
    const auto gradients = c.task.gradients(c.weights, 1, *kernels).flat();
    for (const std::size_t threads : {2, 3, 16}) {
      INFO(threads << " threads");
      CHECK(c.task.forward(c.weights, threads, *kernels) == output);
      const auto once = c.task.gradients(c.weights, threads, *kernels).flat();
      const auto again = c.task.gradients(c.weights, threads, *kernels).flat();
      CHECK(once == again);
      CHECK(difference(once, std::vector<double>(gradients.begin(), gradients.end())).snr_db > 120.0);  // 20 bits
    }
  }
}

TEST_CASE("Network gradient: gradients are added to the existing values", "[training]") {
  const Case c(20);
  const Values alone = c.task.gradients(c.weights, 2, best_row_kernels());
  Values sum = alone, values = values_of_network(c.weights);
  const std::vector<float> nothing(c.task.projection.size());
  network_backward(values.view<const float>(), filters_of(c.weights), c.task.audio, c.frames, nothing,
                   sum.view<float>(), 2);
  CHECK(sum.flat() == alone.flat());
}
