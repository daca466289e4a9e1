#include "families/novasr/network_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace novasr {
namespace {

using kernels::kChannels;

constexpr std::size_t kInputHistory = 24;  ///< the residual reads 18 frames back; a multiple of 8 keeps it aligned
constexpr std::size_t kPreHistory = 3;
constexpr std::size_t kActivated1History = 10;
constexpr std::size_t kConvolvedHistory = 5;
constexpr std::size_t kActivated2History = 16;
/// Inputs activated at a time: covers the six tiles of a 1 ms block, and the window stays in the L1 cache.
constexpr std::size_t kWindowInputs = 18;
constexpr std::size_t kWindowRows = 6 * kWindowInputs;
/// Zeros after which no stored row and no output depends on earlier input, with a margin.
constexpr std::size_t kSettledInputs = 64;
static_assert(kSettledInputs >= kMemoryFrames);

/// Allocates offsets, in floats, within one block of memory, keeping rows aligned.
class Carver {
 public:
  constexpr std::size_t take(std::size_t floats) NOVASR_RT {
    return std::exchange(used_, used_ + (floats + 15) / 16 * 16);
  }
  constexpr std::size_t take_rows(std::size_t rows) NOVASR_RT { return take(rows * kChannels); }
  [[nodiscard]] constexpr std::size_t used() const NOVASR_RT { return used_; }

 private:
  std::size_t used_ = 0;
};

constexpr std::size_t max_inputs(std::size_t points) NOVASR_RT {
  return kernels::kMaxTiles * kernels::tile_inputs(points);
}

void load_state(const Workspace::Rows& rows, const float* past) NOVASR_RT {
  std::memcpy(rows.first, past, rows.history * kChannels * sizeof(float));
}

void save_state(const Workspace::Rows& rows, std::size_t new_rows, float* past) NOVASR_RT {
  std::memmove(past, rows.first + new_rows * kChannels, rows.history * kChannels * sizeof(float));
}

/// Zeroes those of the `count` new rows, starting at `first_time`, that lie outside 0 .. length - 1.
void zero_outside(const Workspace::Rows& rows, std::int64_t first_time, std::size_t count,
                  std::int64_t length) NOVASR_RT {
  const auto frames = static_cast<std::int64_t>(count);
  const auto before = static_cast<std::size_t>(std::clamp<std::int64_t>(-first_time, 0, frames));
  const auto inside = static_cast<std::size_t>(std::clamp<std::int64_t>(length - first_time, 0, frames));
  std::fill_n(rows.next(), before * kChannels, 0.0f);
  std::fill_n(rows.next() + inside * kChannels, (count - inside) * kChannels, 0.0f);
}

/// The arrays of a Workspace.
struct Layout {
  std::size_t input, residual, pre, activated1, convolved, spectra, window, activated2, size;
};

constexpr Layout layout_for(std::size_t points) NOVASR_RT {
  const std::size_t inputs = max_inputs(points), frames = 3 * inputs;
  Carver carver;
  Layout at{};
  at.input = carver.take(kInputHistory + inputs + kernels::kMaxWidth);
  at.residual = carver.take(3 * (inputs + 1 + 2 * kernels::kMaxWidth));
  at.pre = carver.take_rows(kPreHistory + inputs);
  at.activated1 = carver.take_rows(kActivated1History + frames);
  at.convolved = carver.take_rows(kConvolvedHistory + frames);
  at.spectra = at.window = carver.take_rows(kernels::kWindowHistory + kWindowRows);
  at.activated2 = carver.take_rows(kActivated2History + frames + kernels::kMaxWidth);
  at.size = std::max(carver.used(), at.spectra + kernels::spectra_floats(points));
  return at;
}

static_assert(layout_for(kernels::kStreamingPoints).size <= Workspace::kStackFloats);

/// State of a channel between two calls.
struct Past {
  std::size_t input, pre, window1, activated1, convolved, window2, activated2, size;
};

constexpr Past kPast = [] {
  Carver carver;
  Past past{};
  past.input = carver.take(kInputHistory);
  past.pre = carver.take_rows(kPreHistory);
  past.window1 = carver.take_rows(kernels::kWindowHistory);
  past.activated1 = carver.take_rows(kActivated1History);
  past.convolved = carver.take_rows(kConvolvedHistory);
  past.window2 = carver.take_rows(kernels::kWindowHistory);
  past.activated2 = carver.take_rows(kActivated2History);
  past.size = carver.used();
  return past;
}();

}  // namespace

std::size_t Workspace::size(std::size_t points) noexcept {
  return layout_for(points).size;
}

Workspace::Workspace(std::size_t points, float* memory) NOVASR_RT {
  const Layout at = layout_for(points);
  input = memory + at.input;
  residual = memory + at.residual;
  pre = {memory + at.pre, kPreHistory};
  activated1 = {memory + at.activated1, kActivated1History};
  convolved = {memory + at.convolved, kConvolvedHistory};
  spectra = memory + at.spectra;
  window = {memory + at.window, kernels::kWindowHistory};
  activated2 = {memory + at.activated2, kActivated2History};
}

NetworkStream::NetworkStream(std::shared_ptr<const PreparedNetwork> network, const kernels::KernelTable& kernels)
    : network_(std::move(network)), kernels_(kernels), past_(kPast.size) {}

void NetworkStream::reset() NOVASR_RT {
  std::fill_n(past_.data(), past_.size(), 0.0f);
  taken_ = 0;
  silent_ = 0;
}

void NetworkStream::continue_from(const NetworkStream& other) NOVASR_RT {
  std::copy_n(other.past_.data(), past_.size(), past_.data());
  taken_ = other.taken_;
  silent_ = other.silent_;
}

/// For sustained silence the output is constant and the rows do not change: skipping it is bit-exact.
bool NetworkStream::skip_silence(const float* input, std::size_t inputs, float* out) NOVASR_RT {
  const bool settled = silent_ >= kSettledInputs;
  silent_ = std::all_of(input, input + inputs, [](float x) { return x == 0.0f; }) ? silent_ + inputs : 0;
  if (!settled || silent_ == 0) return false;
  std::fill_n(out, 3 * inputs, network_->silence.output);
  taken_ += static_cast<std::int64_t>(inputs);
  return true;
}

void NetworkStream::process_tiles(const float* input, std::size_t tiles, std::int64_t total_inputs, const Workspace& at,
                                  float* out) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  const std::size_t inputs = tiles * kernels::tile_inputs(network_->tile.points), frames = 3 * inputs;
  if (total_inputs == kUnknownLength && skip_silence(input, inputs, out)) return;
  total_ = total_inputs;
  std::copy_n(past_.data() + kPast.input, kInputHistory, at.input);
  std::copy_n(input, inputs, at.input + kInputHistory);
  load_state(at.pre, past_.data() + kPast.pre);
  load_state(at.activated1, past_.data() + kPast.activated1);
  load_state(at.convolved, past_.data() + kPast.convolved);

  kernels_.conv_pre(net, at.input + kInputHistory - 3, inputs, at.pre.next());
  first_activation(at, inputs);
  zero_outside(at.activated1, 3 * taken_ - 17, frames, 3 * total_ - 2);
  kernels_.convolve(network_->tile, at.activated1.first, tiles, at.spectra, at.convolved.next());
  zero_outside(at.convolved, 3 * taken_ - 22, frames, 3 * total_ - 2);
  load_state(at.activated2, past_.data() + kPast.activated2);
  second_activation(at, frames);
  zero_outside(at.activated2, 3 * taken_ - 29, frames, 3 * total_ - 4);

  // Output 3 taken - 37 is phase 2 of the 16 kHz frame taken - 13.
  kernels_.residual(net, at.input + kInputHistory - 13, inputs + 1, at.residual);
  kernels_.output(net, at.activated2.first + 8 * kChannels, at.residual + 2, frames, out);
  const Silence& silence = network_->silence;
  for (std::size_t t = 0; t < frames; ++t) out[t] -= silence.sums[t];  // sustained silence: exactly 0
  kernels_.tanh(silence.constant, frames, out);
  edge_outputs(at, frames, out);

  std::copy_n(at.input + inputs, kInputHistory, past_.data() + kPast.input);
  save_state(at.pre, inputs, past_.data() + kPast.pre);
  save_state(at.activated1, frames, past_.data() + kPast.activated1);
  save_state(at.convolved, frames, past_.data() + kPast.convolved);
  save_state(at.activated2, frames, past_.data() + kPast.activated2);
  taken_ += static_cast<std::int64_t>(inputs);
}

/// Groups taken - 4 ..; group i is the six 96 kHz rows from 6 i - 2 on, and completes the frames 3 i - 5 .. 3 i - 3.
void NetworkStream::first_activation(const Workspace& at, std::size_t inputs) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  load_state(at.window, past_.data() + kPast.window1);
  for (std::size_t done = 0; done < inputs; done += kWindowInputs) {
    const std::size_t count = std::min(kWindowInputs, inputs - done);
    const float* row = at.pre.first + (done + 2) * kChannels;
    const std::int64_t group = taken_ - 4 + static_cast<std::int64_t>(done);
    kernels_.up_from_16k(net, row, count, at.window.next());
    if (group <= 1 || group + static_cast<std::int64_t>(count) >= total_) {
      for (std::size_t i = 0; i < count; ++i) {
        edge_group(group + static_cast<std::int64_t>(i), row + i * kChannels, at.window.next() + 6 * i * kChannels);
      }
    }
    kernels_.low_pass(net, 0, at.window.first, 3 * count, at.activated1.next() + 3 * done * kChannels);
    save_state(at.window, 6 * count, at.window.first);
  }
  save_state(at.window, 0, past_.data() + kPast.window1);
}

/// Steps 3 taken - 25 ..; step s is the 96 kHz rows 2 s and 2 s + 1, and completes the frame s - 4.
void NetworkStream::second_activation(const Workspace& at, std::size_t frames) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  load_state(at.window, past_.data() + kPast.window2);
  constexpr std::size_t kSteps = 3 * kWindowInputs;
  for (std::size_t done = 0; done < frames; done += kSteps) {
    const std::size_t count = std::min(kSteps, frames - done);
    const std::int64_t step = 3 * taken_ - 25 + static_cast<std::int64_t>(done);
    kernels_.up_from_48k(net, at.convolved.first + (done + 2) * kChannels, count, at.window.next());
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t s = step + static_cast<std::int64_t>(i);  // the up-sampler drops two samples at each end
      if (s < 1 || s > 3 * total_ - 4) std::fill_n(at.window.next() + 2 * i * kChannels, 2 * kChannels, 0.0f);
    }
    kernels_.low_pass(net, 1, at.window.first, count, at.activated2.next() + done * kChannels);
    save_state(at.window, 2 * count, at.window.first);
  }
  save_state(at.window, 0, past_.data() + kPast.window2);
}

/// Recomputes a group that extends beyond the signal: the interpolation repeats the first and last 16 kHz frame; the
/// up-sampler zero-pads its input and drops the first and last two samples of its output.
void NetworkStream::edge_group(std::int64_t group, const float* conv_pre_row, float* window) NOVASR_RT {
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

/// Recomputes outputs whose filters extend beyond the signal, and zeroes those before and after the signal.
void NetworkStream::edge_outputs(const Workspace& at, std::size_t frames, float* out) const NOVASR_RT {
  const std::int64_t first = 3 * taken_ - static_cast<std::int64_t>(kRawLatencyFrames), length = 3 * total_ - 4;
  if (first > 3 && first + static_cast<std::int64_t>(frames) <= length - 3) return;
  for (std::size_t k = 0; k < frames; ++k) {
    const std::int64_t t = first + static_cast<std::int64_t>(k);
    if (t < 0 || t >= length) {
      out[k] = 0.0f;
    } else if (t <= 3 || t >= length - 3) {
      out[k] = edge_output(at, t);
    }
  }
}

/// Sums conv_post's taps one by one, skipping those outside the signal; see EdgeFilters.
float NetworkStream::edge_output(const Workspace& at, std::int64_t t) const NOVASR_RT {
  const EdgeFilters& edges = network_->edges;
  double sum = 0.0;
  for (std::size_t j = 0; j < EdgeFilters::kTaps; ++j) {
    const std::int64_t time = t - 3 + static_cast<std::int64_t>(j);
    if (time < 0 || time >= 3 * total_ - 4) continue;

    sum += edges.branch_bias[j];
    const std::int64_t row = time - 5 - (3 * taken_ - 29) + static_cast<std::int64_t>(kActivated2History);
    const float* x = at.activated2.first + row * static_cast<std::int64_t>(kChannels);
    const float* weight = edges.branch[j][0].data();
    for (std::size_t k = 0; k < kernels::kConvTaps * kChannels; ++k) sum += static_cast<double>(weight[k]) * x[k];

    const auto pre = [&](std::int64_t i) {  // conv_pre feeding this tap, at 16 kHz frame i; the first frame repeats
      double value = edges.residual_bias[j];
      const float* x_in =
          at.input + static_cast<std::int64_t>(kInputHistory) + std::max<std::int64_t>(i, 0) - taken_ - 3;
      for (std::size_t k = 0; k < kernels::kPreTaps; ++k) value += edges.residual[j][k] * x_in[k];
      return value;
    };
    const std::int64_t i = time / 3;
    if (time % 3 == 1) {
      sum += pre(i);
    } else {
      sum += pre(i) * (2.0 / 3.0) + pre(time % 3 == 0 ? i - 1 : i + 1) / 3.0;
    }
  }
  return static_cast<float>(std::tanh(sum));
}

}  // namespace novasr
