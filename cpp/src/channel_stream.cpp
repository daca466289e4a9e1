#include "channel_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace novasr {
namespace {

using kernels::kChannels;

constexpr std::size_t kInputHistory =
    24;  ///< the residual reads up to 18 frames back; a multiple of 8 keeps it aligned
constexpr std::size_t kPreHistory = 3;
constexpr std::size_t kActivated1History = 10;
constexpr std::size_t kConvolvedHistory = 5;
constexpr std::size_t kActivated2History = 16;
/// Inputs activated at a time: the six tiles of a 1 ms block undivided, and the window stays in the L1 cache.
constexpr std::size_t kWindowInputs = 18;
constexpr std::size_t kWindowRows = kernels::kWindowHistory + 6 * kWindowInputs;

/// Carves arrays out of one allocation.
class Carver {
 public:
  explicit Carver(float* memory) : memory_(memory) {}
  float* take(std::size_t floats) { return std::exchange(memory_, memory_ + (floats + 15) / 16 * 16); }
  float* take_rows(std::size_t rows) { return take(rows * kChannels); }

 private:
  float* memory_;
};

std::size_t memory_floats(std::size_t inputs) {
  const std::size_t rows = kPreHistory + inputs + 2 * kWindowRows + kActivated1History + 3 * inputs +
                           kConvolvedHistory + 3 * inputs + kActivated2History + 3 * inputs + kernels::kMaxWidth;
  return kInputHistory + inputs + 2 * kernels::kMaxWidth + rows * kChannels;
}

std::size_t max_inputs(std::size_t points) {
  return kernels::kMaxTiles * kernels::tile_inputs(points);
}

}  // namespace

StreamScratch::StreamScratch(std::size_t points)
    : spectra(kernels::spectra_floats(points)), residual(3 * (max_inputs(points) + 1 + 2 * kernels::kMaxWidth)) {}

ChannelStream::ChannelStream(std::shared_ptr<const PreparedNetwork> network, const kernels::KernelTable& kernels)
    : network_(std::move(network)), kernels_(kernels), memory_(memory_floats(max_inputs(network_->tile.points))) {
  const std::size_t inputs = max_inputs(network_->tile.points);
  Carver carver(memory_.data());
  input_ = carver.take(kInputHistory + inputs + kernels::kMaxWidth);
  pre_ = {carver.take_rows(kPreHistory + inputs), kPreHistory};
  window1_ = {carver.take_rows(kWindowRows), kernels::kWindowHistory};
  activated1_ = {carver.take_rows(kActivated1History + 3 * inputs), kActivated1History};
  convolved_ = {carver.take_rows(kConvolvedHistory + 3 * inputs), kConvolvedHistory};
  window2_ = {carver.take_rows(kWindowRows), kernels::kWindowHistory};
  activated2_ = {carver.take_rows(kActivated2History + 3 * inputs + kernels::kMaxWidth), kActivated2History};
}

void ChannelStream::reset() noexcept {
  std::fill_n(memory_.data(), memory_.size(), 0.0f);
  taken_ = 0;
}

void ChannelStream::Rows::keep_last(std::size_t new_rows) const noexcept {
  std::memmove(first, first + new_rows * kChannels, history * kChannels * sizeof(float));
}

void ChannelStream::process_tiles(const float* input, std::size_t tiles, std::int64_t total_inputs,
                                  StreamScratch& scratch, float* out) noexcept {
  const kernels::Network& net = network_->layers;
  const std::size_t inputs = tiles * kernels::tile_inputs(network_->tile.points), frames = 3 * inputs;
  total_ = total_inputs;
  std::copy_n(input, inputs, input_ + kInputHistory);

  kernels_.conv_pre(net, input_ + kInputHistory - 3, inputs, pre_.next());
  first_activation(inputs);
  mute_outside(activated1_, 3 * taken_ - 17, frames, 3 * total_ - 2);
  kernels_.convolve(network_->tile, activated1_.first, tiles, scratch.spectra.data(), convolved_.next());
  mute_outside(convolved_, 3 * taken_ - 22, frames, 3 * total_ - 2);
  second_activation(frames);
  mute_outside(activated2_, 3 * taken_ - 29, frames, 3 * total_ - 4);

  // Output 3 taken - 37 is phase 2 of the 16 kHz frame taken - 13.
  kernels_.residual(net, input_ + kInputHistory - 13, inputs + 1, scratch.residual.data());
  kernels_.output(net, activated2_.first + 8 * kChannels, scratch.residual.data() + 2, frames, out);
  edge_outputs(frames, out);

  std::memmove(input_, input_ + inputs, kInputHistory * sizeof(float));
  pre_.keep_last(inputs);
  activated1_.keep_last(frames);
  convolved_.keep_last(frames);
  activated2_.keep_last(frames);
  taken_ += static_cast<std::int64_t>(inputs);
}

/// Groups taken - 4 ..; group i is the six 96 kHz rows from 6 i - 2 on, and completes the frames 3 i - 5 .. 3 i - 3.
void ChannelStream::first_activation(std::size_t inputs) noexcept {
  const kernels::Network& net = network_->layers;
  for (std::size_t done = 0; done < inputs; done += kWindowInputs) {
    const std::size_t count = std::min(kWindowInputs, inputs - done);
    const float* row = pre_.first + (done + 2) * kChannels;
    const std::int64_t group = taken_ - 4 + static_cast<std::int64_t>(done);
    kernels_.up_from_16k(net, row, count, window1_.next());
    if (group <= 1 || group + static_cast<std::int64_t>(count) >= total_) {
      for (std::size_t i = 0; i < count; ++i) {
        edge_group(group + static_cast<std::int64_t>(i), row + i * kChannels, window1_.next() + 6 * i * kChannels);
      }
    }
    kernels_.low_pass(net, 0, window1_.first, 3 * count, activated1_.next() + 3 * done * kChannels);
    window1_.keep_last(6 * count);
  }
}

/// Steps 3 taken - 25 ..; step s is the 96 kHz rows 2 s and 2 s + 1, and completes the frame s - 4.
void ChannelStream::second_activation(std::size_t frames) noexcept {
  const kernels::Network& net = network_->layers;
  constexpr std::size_t kSteps = 3 * kWindowInputs;
  for (std::size_t done = 0; done < frames; done += kSteps) {
    const std::size_t count = std::min(kSteps, frames - done);
    const std::int64_t step = 3 * taken_ - 25 + static_cast<std::int64_t>(done);
    kernels_.up_from_48k(net, convolved_.first + (done + 2) * kChannels, count, window2_.next());
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t s = step + static_cast<std::int64_t>(i);  // the up-sampler drops two samples at each end
      if (s < 1 || s > 3 * total_ - 4) std::fill_n(window2_.next() + 2 * i * kChannels, 2 * kChannels, 0.0f);
    }
    kernels_.low_pass(net, 1, window2_.first, count, activated2_.next() + done * kChannels);
    window2_.keep_last(2 * count);
  }
}

/// Recomputes a group that reaches past the signal: the interpolation repeats the first and last 16 kHz frame, the
/// up-sampler sees zeros outside and drops the first and last two samples of its output.
void ChannelStream::edge_group(std::int64_t group, const float* conv_pre_row, float* window) noexcept {
  if (group > 1 && group < total_ - 1) return;
  const std::int64_t length = 3 * total_;
  const auto frame = [&](std::int64_t i, std::size_t c) {
    return conv_pre_row[(std::clamp<std::int64_t>(i, 0, total_ - 1) - group) * static_cast<std::int64_t>(kChannels) +
                        static_cast<std::int64_t>(c)];
  };
  const auto interpolated = [&](std::int64_t t, std::size_t c) {
    if (t < 0 || t >= length) return 0.0f;
    const std::int64_t i = t / 3;
    if (t % 3 == 1) return frame(i, c);
    return t % 3 == 0 ? frame(i - 1, c) / 3.0f + frame(i, c) * (2.0f / 3.0f)
                      : frame(i, c) * (2.0f / 3.0f) + frame(i + 1, c) / 3.0f;
  };
  const auto dropped = [&](std::int64_t sample) { return sample < 2 || sample > 2 * length - 3; };

  for (std::size_t row = 0; row < 6; ++row) {
    const std::int64_t t = 3 * group - 1 + static_cast<std::int64_t>(row / 2);
    if (dropped(2 * t + static_cast<std::int64_t>(row % 2))) continue;
    for (std::size_t c = 0; c < kChannels; ++c) {
      float sum = 0.0f;
      for (std::size_t j = 0; j < 6; ++j) {
        sum += network_->phases[row % 2][j] * interpolated(t - 2 + static_cast<std::int64_t>(j), c);
      }
      window[row * kChannels + c] = sum;
    }
  }
  kernels_.snake(network_->layers, 0, window, 6);
  for (std::size_t row = 0; row < 6; ++row) {
    if (dropped(6 * group - 2 + static_cast<std::int64_t>(row))) {
      std::fill_n(window + row * kChannels, kChannels, 0.0f);
    }
  }
}

/// Outputs whose filters reach past the signal, and those before and after the signal, which are 0.
void ChannelStream::edge_outputs(std::size_t frames, float* out) const noexcept {
  const std::int64_t first = 3 * taken_ - static_cast<std::int64_t>(kRawLagFrames), length = 3 * total_ - 4;
  if (first > 3 && first + static_cast<std::int64_t>(frames) <= length - 3) return;
  for (std::size_t k = 0; k < frames; ++k) {
    const std::int64_t t = first + static_cast<std::int64_t>(k);
    if (t < 0 || t >= length) {
      out[k] = 0.0f;
    } else if (t <= 3 || t >= length - 3) {
      out[k] = edge_output(t);
    }
  }
}

/// conv_post's taps one by one, without those outside; see EdgeFilters.
float ChannelStream::edge_output(std::int64_t t) const noexcept {
  const EdgeFilters& edges = network_->edges;
  double sum = 0.0;
  for (std::size_t j = 0; j < EdgeFilters::kTaps; ++j) {
    const std::int64_t at = t - 3 + static_cast<std::int64_t>(j);
    if (at < 0 || at >= 3 * total_ - 4) continue;

    sum += edges.branch_bias[j];
    const std::int64_t row = at - 5 - (3 * taken_ - 29) + static_cast<std::int64_t>(kActivated2History);
    const float* x = activated2_.first + row * static_cast<std::int64_t>(kChannels);
    const float* weight = edges.branch[j][0].data();
    for (std::size_t k = 0; k < kernels::kConvTaps * kChannels; ++k) sum += static_cast<double>(weight[k]) * x[k];

    const auto pre = [&](std::int64_t i) {  // conv_pre behind this tap, at the 16 kHz frame i, the first one repeated
      double value = edges.residual_bias[j];
      const float* x_in = input_ + static_cast<std::int64_t>(kInputHistory) + std::max<std::int64_t>(i, 0) - taken_ - 3;
      for (std::size_t k = 0; k < kernels::kPreTaps; ++k) value += edges.residual[j][k] * x_in[k];
      return value;
    };
    const std::int64_t i = at / 3;
    if (at % 3 == 1) {
      sum += pre(i);
    } else {
      sum += pre(i) * (2.0 / 3.0) + pre(at % 3 == 0 ? i - 1 : i + 1) / 3.0;
    }
  }
  return static_cast<float>(std::tanh(sum));
}

/// Zeroes those of the `count` new rows, the first at `first_time`, that lie outside 0 .. length - 1.
void ChannelStream::mute_outside(const Rows& rows, std::int64_t first_time, std::size_t count,
                                 std::int64_t length) const noexcept {
  const auto frames = static_cast<std::int64_t>(count);
  const auto before = static_cast<std::size_t>(std::clamp<std::int64_t>(-first_time, 0, frames));
  const auto inside = static_cast<std::size_t>(std::clamp<std::int64_t>(length - first_time, 0, frames));
  std::fill_n(rows.next(), before * kChannels, 0.0f);
  std::fill_n(rows.next() + inside * kChannels, (count - inside) * kChannels, 0.0f);
}

}  // namespace novasr
