#include "network_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <memory>
#include <numbers>
#include <vector>

#include "row_kernels.hpp"

namespace novasr::training {
namespace {

static_assert(kLanes == kChannels);

// The rows of a tile that each signal needs; row kBefore is the tile's first output. Each range is that of the next
// layer, widened by the reach of its filter.
struct Range {
  std::size_t first, last;
};
constexpr Range kOut{kBefore, kBefore + kTile};
constexpr Range kDown2{kOut.first - kMergedTaps / 2, kOut.last + kMergedTaps / 2};
constexpr Range kUp2{kDown2.first - 3, kDown2.last + 3};
constexpr Range kConv{kUp2.first - 1, kUp2.last + 4};
constexpr Range kDown1{kConv.first - kBlockTaps / 2, kConv.last + kBlockTaps / 2};
constexpr Range kUp1{kDown1.first - 3, kDown1.last + 3};
constexpr Range kInput{kUp1.first - 1, kUp1.last + 4};
static_assert(kInput.last <= kRows);

constexpr std::size_t kPadding = kMergedTaps;  // zeros around a tile's gradient

// All signals of one tile: forward, and the gradients backward.
struct Tile {
  Rows input, even_1, odd_1, down_1, conv, even_2, odd_2, down_2, even, odd;
  Rows even_gradient, odd_gradient, down_gradient, conv_gradient, input_gradient;
  float out[kTile];
  float gradient[kTile + 2 * kPadding];
};

// Values in the order that the kernels require, 32-byte aligned.
struct Layers {
  alignas(64) float pre_weight[kPreTaps * kChannels], pre_bias[kChannels];
  alignas(64) float conv_weight[kBlockTaps * kChannels * kChannels], conv_bias[kChannels];
  alignas(64) float merged_weight[kMergedTaps * kChannels], post_weight[kPostTaps * kChannels];
  float level;
  Snake snake[2];
};

using Gradients = Layers;

Phases phases_of(std::span<const float> taps, float gain) {
  Phases p{};
  for (std::size_t k = 0; k < 6; ++k) {
    p.even[k] = gain * taps[2 * k];
    p.odd[k] = gain * taps[2 * k + 1];
  }
  return p;
}

std::unique_ptr<Layers> layers_of(const Parameters<const float>& p) {
  auto layers = std::make_unique<Layers>();
  std::ranges::copy(p.pre_weight, layers->pre_weight);
  std::ranges::copy(p.pre_bias, layers->pre_bias);
  std::ranges::copy(p.conv_weight, layers->conv_weight);
  std::ranges::copy(p.conv_bias, layers->conv_bias);
  std::ranges::copy(p.merged_weight, layers->merged_weight);
  std::ranges::copy(p.post_weight, layers->post_weight);
  layers->level = p.level[0];
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t c = 0; c < kChannels; ++c) {
      layers->snake[a].turns[c] = std::exp(p.alpha[a][c]) / std::numbers::pi_v<float>;
      layers->snake[a].amount[c] = 1.0f / (2.0f * std::exp(p.beta[a][c]) + 1e-9f);
    }
  return layers;
}

// The transposed convolution: taps mirrored, inputs and outputs exchanged.
std::unique_ptr<Layers> transposed(const Layers& layers) {
  auto mirrored = std::make_unique<Layers>(layers);
  for (std::size_t k = 0; k < kBlockTaps; ++k)
    for (std::size_t i = 0; i < kChannels; ++i)
      for (std::size_t o = 0; o < kChannels; ++o)
        mirrored->conv_weight[((kBlockTaps - 1 - k) * kChannels + o) * kChannels + i] =
            layers.conv_weight[(k * kChannels + i) * kChannels + o];
  std::ranges::fill(mirrored->conv_bias, 0.0f);
  return mirrored;
}

// Position of a tile in a clip: the length of each signal and the start of the tile.
struct Place {
  std::span<const float> audio;
  std::ptrdiff_t start;  // frame of row 0

  [[nodiscard]] std::ptrdiff_t inputs() const { return static_cast<std::ptrdiff_t>(audio.size()); }
  [[nodiscard]] std::ptrdiff_t frames(std::ptrdiff_t trimmed) const { return 3 * inputs() - trimmed; }
};

void convolve_pre(const Layers& layers, const Place& place, std::ptrdiff_t n, float* row) {
  std::copy_n(layers.pre_bias, kChannels, row);
  for (std::size_t k = 0; k < kPreTaps; ++k) {
    const std::ptrdiff_t at = n + static_cast<std::ptrdiff_t>(k) - 3;
    if (at < 0 || at >= place.inputs()) continue;
    const float value = place.audio[static_cast<std::size_t>(at)];
    for (std::size_t c = 0; c < kChannels; ++c) row[c] += value * layers.pre_weight[k * kChannels + c];
  }
}

std::ptrdiff_t floor_third(std::ptrdiff_t frame) {
  return (frame >= 0 ? frame : frame - 2) / 3;
}

// The two inputs adjacent to a 48 kHz frame, and the weight of the second; edges are held.
struct Between {
  std::ptrdiff_t a, b;
  float weight_b;
};
Between between(const Place& place, std::ptrdiff_t frame) {
  const std::ptrdiff_t n = floor_third(frame), phase = frame - 3 * n, last = place.inputs() - 1;
  const auto held = [last](std::ptrdiff_t at) { return std::clamp<std::ptrdiff_t>(at, 0, last); };
  if (phase == 0) return {held(n - 1), held(n), 2.0f / 3.0f};
  if (phase == 1) return {held(n), held(n), 1.0f};
  return {held(n), held(n + 1), 1.0f / 3.0f};
}

constexpr std::size_t kPreRows = kRows / 3 + 4;

void interpolate(const Layers& layers, const Place& place, Rows& out) {
  alignas(64) float pre[kPreRows][kChannels];
  const std::ptrdiff_t origin = floor_third(place.start) - 1;
  for (std::size_t m = 0; m < kPreRows; ++m) {
    const std::ptrdiff_t n = origin + static_cast<std::ptrdiff_t>(m);
    if (n >= 0 && n < place.inputs()) convolve_pre(layers, place, n, pre[m]);
  }
  for (std::size_t i = kInput.first; i < kInput.last; ++i) {
    const std::ptrdiff_t frame = place.start + static_cast<std::ptrdiff_t>(i);
    float* row = out.row(i);
    if (frame < 0 || frame >= place.frames(0)) {
      std::fill_n(row, kChannels, 0.0f);
      continue;
    }
    const Between at = between(place, frame);
    const float* a = pre[at.a - origin];
    const float* b = pre[at.b - origin];
    for (std::size_t c = 0; c < kChannels; ++c) row[c] = (1.0f - at.weight_b) * a[c] + at.weight_b * b[c];
  }
}

void interpolate_backward(const Place& place, const Rows& gradient, Gradients& sum) {
  alignas(64) float pre[kPreRows][kChannels] = {};
  const std::ptrdiff_t origin = floor_third(place.start) - 1;
  for (std::size_t i = kInput.first; i < kInput.last; ++i) {
    const std::ptrdiff_t frame = place.start + static_cast<std::ptrdiff_t>(i);
    if (frame < 0 || frame >= place.frames(0)) continue;
    const Between at = between(place, frame);
    float* a = pre[at.a - origin];
    float* b = pre[at.b - origin];
    const float* g = gradient.row(i);
    for (std::size_t c = 0; c < kChannels; ++c) {
      a[c] += (1.0f - at.weight_b) * g[c];
      b[c] += at.weight_b * g[c];
    }
  }
  for (std::size_t m = 0; m < kPreRows; ++m) {
    const std::ptrdiff_t n = origin + static_cast<std::ptrdiff_t>(m);
    if (n < 0 || n >= place.inputs()) continue;
    for (std::size_t c = 0; c < kChannels; ++c) sum.pre_bias[c] += pre[m][c];
    for (std::size_t k = 0; k < kPreTaps; ++k) {
      const std::ptrdiff_t at = n + static_cast<std::ptrdiff_t>(k) - 3;
      if (at < 0 || at >= place.inputs()) continue;
      const float value = place.audio[static_cast<std::size_t>(at)];
      for (std::size_t c = 0; c < kChannels; ++c) sum.pre_weight[k * kChannels + c] += value * pre[m][c];
    }
  }
}

struct Stages {
  const Layers& layers;
  const RowKernels& kernels;
  Phases up[2], down[2];

  Stages(const Layers& l, const Filters& filters, const RowKernels& k) : layers(l), kernels(k) {
    for (std::size_t a = 0; a < 2; ++a) {
      up[a] = phases_of(filters.up[a], 2.0f);
      down[a] = phases_of(filters.down[a], 1.0f);
    }
  }

  // One anti-aliased activation; its output is two frames shorter than its input, `trimmed` in total.
  void activation(std::size_t which, const Place& place, const Rows& in, Rows& even, Rows& odd, Tile& t, Rows& out,
                  Range wide, Range narrow, std::ptrdiff_t trimmed) const {
    kernels.up_sample(up[which], in, even, odd, wide.first, wide.last);
    kernels.activate(layers.snake[which], even, t.even, wide.first, wide.last);
    kernels.activate(layers.snake[which], odd, t.odd, wide.first, wide.last);
    t.even.clear_outside(place.start, place.frames(trimmed), wide.first, wide.last);
    t.odd.clear_outside(place.start, place.frames(trimmed), wide.first, wide.last);
    kernels.down_sample(down[which], t.even, t.odd, out, narrow.first, narrow.last);
    out.clear_outside(place.start, place.frames(trimmed), narrow.first, narrow.last);
  }

  void activation_backward(std::size_t which, const Place& place, const Rows& even, const Rows& odd, Tile& t,
                           const Rows& out_gradient, Rows& in_gradient, Range wide, Range in, std::ptrdiff_t trimmed,
                           Gradients& sum) const {
    kernels.down_sample_transposed(down[which], out_gradient, t.even_gradient, t.odd_gradient, wide.first, wide.last);
    t.even_gradient.clear_outside(place.start, place.frames(trimmed), wide.first, wide.last);
    t.odd_gradient.clear_outside(place.start, place.frames(trimmed), wide.first, wide.last);
    Snake& to = sum.snake[which];
    kernels.activate_backward(layers.snake[which], even, t.even_gradient, wide.first, wide.last, to.turns, to.amount);
    kernels.activate_backward(layers.snake[which], odd, t.odd_gradient, wide.first, wide.last, to.turns, to.amount);
    kernels.up_sample_transposed(up[which], t.even_gradient, t.odd_gradient, in_gradient, in.first, in.last);
  }

  void forward(const Place& place, Tile& t) const {
    interpolate(layers, place, t.input);
    activation(0, place, t.input, t.even_1, t.odd_1, t, t.down_1, kUp1, kDown1, 2);
    kernels.convolve(layers.conv_weight, layers.conv_bias, t.down_1, t.conv, kConv.first, kConv.last);
    t.conv.clear_outside(place.start, place.frames(2), kConv.first, kConv.last);
    activation(1, place, t.conv, t.even_2, t.odd_2, t, t.down_2, kUp2, kDown2, 4);
    t.input.clear_outside(place.start, place.frames(4), kInput.first, kInput.last);  // from here on the residual
    std::ranges::fill(t.out, layers.level);
    kernels.convolve_to_one(layers.merged_weight, kMergedTaps, t.down_2, t.out, kOut.first, kOut.last);
    kernels.convolve_to_one(layers.post_weight, kPostTaps, t.input, t.out, kOut.first, kOut.last);
  }

  void backward(const Layers& mirrored, const Place& place, Tile& t, Gradients& sum) const {
    const float* gradient = t.gradient + kPadding;
    for (std::size_t i = 0; i < kTile; ++i) sum.level += gradient[i];
    kernels.add_to_one_gradient(kMergedTaps, t.down_2, gradient, kOut.first, kOut.last, sum.merged_weight);
    kernels.add_to_one_gradient(kPostTaps, t.input, gradient, kOut.first, kOut.last, sum.post_weight);

    t.down_gradient.clear();
    kernels.convolve_to_one_transposed(layers.merged_weight, kMergedTaps, gradient, kBefore, t.down_gradient,
                                       kDown2.first, kDown2.last);
    t.down_gradient.clear_outside(place.start, place.frames(4), kDown2.first, kDown2.last);
    t.even_gradient.clear();
    t.odd_gradient.clear();
    t.conv_gradient.clear();
    activation_backward(1, place, t.even_2, t.odd_2, t, t.down_gradient, t.conv_gradient, kUp2, kConv, 4, sum);
    t.conv_gradient.clear_outside(place.start, place.frames(2), kConv.first, kConv.last);
    for (std::size_t i = kConv.first; i < kConv.last; ++i)
      for (std::size_t c = 0; c < kChannels; ++c) sum.conv_bias[c] += t.conv_gradient.row(i)[c];
    kernels.add_weight_gradient(t.down_1, t.conv_gradient, kConv.first, kConv.last, sum.conv_weight);

    t.down_gradient.clear();
    kernels.convolve(mirrored.conv_weight, mirrored.conv_bias, t.conv_gradient, t.down_gradient, kDown1.first,
                     kDown1.last);
    t.down_gradient.clear_outside(place.start, place.frames(2), kDown1.first, kDown1.last);
    t.even_gradient.clear();
    t.odd_gradient.clear();
    activation_backward(0, place, t.even_1, t.odd_1, t, t.down_gradient, t.input_gradient, kUp1, kInput, 2, sum);

    Rows& residual = t.conv_gradient;
    residual.clear();
    kernels.convolve_to_one_transposed(layers.post_weight, kPostTaps, gradient, kBefore, residual, kOut.first - 3,
                                       kOut.last + 3);
    residual.clear_outside(place.start, place.frames(4), kOut.first - 3, kOut.last + 3);
    for (std::size_t i = kInput.first; i < kInput.last; ++i)
      for (std::size_t c = 0; c < kChannels; ++c) t.input_gradient.row(i)[c] += residual.row(i)[c];
    interpolate_backward(place, t.input_gradient, sum);
  }
};

// Calls work(thread, place, first output, outputs) for each tile; with the same number of threads, a tile always runs
// on the same thread.
template <typename Work>
void for_each_tile(std::span<const float> audio, std::size_t frames, std::size_t threads, const Work& work) {
  const std::size_t clips = audio.size() / frames, outputs = 3 * frames - kTrim;
  const std::size_t tiles = (outputs + kTile - 1) / kTile;
  const auto run = [&](std::size_t thread) {
    auto tile = std::make_unique<Tile>();
    for (std::size_t job = thread; job < clips * tiles; job += threads) {
      const std::size_t clip = job / tiles, begin = job % tiles * kTile;
      const Place place{audio.subspan(clip * frames, frames),
                        static_cast<std::ptrdiff_t>(begin) - static_cast<std::ptrdiff_t>(kBefore)};
      work(thread, place, *tile, clip * outputs + begin, std::min(kTile, outputs - begin));
    }
  };
  std::vector<std::future<void>> others;  // each waits for its thread when it is destroyed
  for (std::size_t thread = 1; thread < threads; ++thread)
    others.push_back(std::async(std::launch::async, run, thread));
  run(0);
}

void add(std::span<float> to, const float* from) {
  for (float& value : to) value += *from++;
}

}  // namespace

void network_forward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                     std::size_t frames, std::span<float> output, std::size_t threads, const RowKernels& kernels) {
  const auto layers = layers_of(parameters);
  const Stages stages(*layers, filters, kernels);
  for_each_tile(audio, frames, threads,
                [&](std::size_t, const Place& place, Tile& tile, std::size_t at, std::size_t count) {
                  stages.forward(place, tile);
                  std::copy_n(tile.out, count, output.begin() + static_cast<std::ptrdiff_t>(at));
                });
}

void network_backward(const Parameters<const float>& parameters, const Filters& filters, std::span<const float> audio,
                      std::size_t frames, std::span<const float> output_gradient, const Parameters<float>& gradients,
                      std::size_t threads, const RowKernels& kernels) {
  const auto layers = layers_of(parameters);
  const auto mirrored = transposed(*layers);
  const Stages stages(*layers, filters, kernels);
  std::vector<Gradients> sums(threads);
  // A design choice: forward() runs again here, a third more arithmetic, instead of keeping every layer of every tile.
  // A tile's signals are in the L2 cache when backward() reads them; those of a whole batch, 25 MB for each 0.4 s,
  // would have to be written to memory and read back, and the threads share its bandwidth.
  for_each_tile(audio, frames, threads,
                [&](std::size_t thread, const Place& place, Tile& tile, std::size_t at, std::size_t count) {
                  stages.forward(place, tile);
                  std::ranges::fill(tile.gradient, 0.0f);
                  std::copy_n(output_gradient.begin() + static_cast<std::ptrdiff_t>(at), count,
                              tile.gradient + kPadding);
                  stages.backward(*mirrored, place, tile, sums[thread]);
                });
  for (const Gradients& sum : sums) {
    add(gradients.pre_weight, sum.pre_weight);
    add(gradients.pre_bias, sum.pre_bias);
    add(gradients.conv_weight, sum.conv_weight);
    add(gradients.conv_bias, sum.conv_bias);
    add(gradients.merged_weight, sum.merged_weight);
    add(gradients.post_weight, sum.post_weight);
    gradients.level[0] += sum.level;
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t c = 0; c < kChannels; ++c) {
        const float twice_beta = 2.0f * std::exp(parameters.beta[a][c]), amount = layers->snake[a].amount[c];
        gradients.alpha[a][c] += sum.snake[a].turns[c] * layers->snake[a].turns[c];
        gradients.beta[a][c] -= sum.snake[a].amount[c] * twice_beta * amount * amount;
      }
  }
}

}  // namespace novasr::training
