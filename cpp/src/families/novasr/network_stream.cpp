#include "families/novasr/network_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "dsp/floor_div.hpp"

namespace novasr {
namespace {

using kernels::kChannels;

// The reach of each layer: frames needed before and after its own. Odd filters reach equally far both ways.
constexpr std::int64_t kPreReach = network::kPreTaps / 2;
constexpr std::int64_t kConvReach = network::kConvTaps / 2;
constexpr std::int64_t kPostReach = network::kPostTaps / 2;
constexpr std::int64_t kOutputReach = kernels::kOutputTaps / 2;
constexpr std::int64_t kResidualReach = kernels::kResidualTaps / 2;
static_assert(kOutputReach == kConvReach + kPostReach);

// Both phases of an up-sampler read the same frames. Its step s yields rows 2 s and 2 s + 1 at 96 kHz.
constexpr std::int64_t kUpAfter = network::kPhaseTaps / 2;
constexpr std::int64_t kUpBefore = kUpAfter - 1;
static_assert(kUpBefore + 1 + kUpAfter == network::kPhaseTaps);

// An activation shortens the signal by kTrim frames: it drops kTrim rows at each end of the up-sampler's output. So its
// frame t is centred between rows 2 t + kTrim and 2 t + kTrim + 1; the low-pass, of even length, reaches kLowPassReach
// rows both ways from there: up to row 2 t + 8, in step t + 4.
constexpr std::int64_t kTrim = network::kTrim;
constexpr std::int64_t kLowPassReach = network::kFilterTaps / 2;
constexpr std::int64_t kLowPassSteps = (kTrim + kLowPassReach) / 2;
static_assert(2 * kLowPassSteps == kTrim + kLowPassReach, "a step's first row completes a frame");

// The interpolation and the first up-sampler are one filter: group g is the kStepsPerGroup steps 3 g - 1 .. 3 g + 1,
// around the 48 kHz frame 3 g. Frame f lies between the inputs floor((f - 1) / 3) and floor((f + 1) / 3).
constexpr std::int64_t kOutPerIn = network::kRatio;
constexpr std::int64_t kStepsPerGroup = kOutPerIn;
constexpr std::int64_t kRowsPerGroup = 2 * kStepsPerGroup;
constexpr std::int64_t kGroupBegin = -1;  // its first step, relative to 3 g
constexpr std::int64_t kGroupBefore = -floor_div(kGroupBegin - kUpBefore - 1, kOutPerIn);
constexpr std::int64_t kGroupAfter = floor_div(kGroupBegin + kStepsPerGroup - 1 + kUpAfter + 1, kOutPerIn);
static_assert(kGroupBefore == 2 && kGroupAfter == 1, "what KernelTable::up_from_16k reads");

// How far each layer lags the input in a call: in 16 kHz frames up to the groups, in 48 kHz frames after them.
constexpr std::int64_t kPreLag = kPreReach;
constexpr std::int64_t kGroupLag = kPreLag + kGroupAfter;
constexpr std::int64_t kActivated1Lag = kOutPerIn * kGroupLag - kGroupBegin + kLowPassSteps;
constexpr std::int64_t kConvolvedLag = kActivated1Lag + kConvReach;
constexpr std::int64_t kStepLag = kConvolvedLag + kUpAfter;
constexpr std::int64_t kActivated2Lag = kStepLag + kLowPassSteps;
constexpr std::int64_t kOutputLag = kActivated2Lag + kOutputReach;
static_assert(kOutputLag == kRawLatencyFrames);

// The first output of a call is a phase of this input frame, where the residual begins.
constexpr std::int64_t kResidualLag = -floor_div(-kOutputLag, kOutPerIn);
constexpr std::int64_t kResidualPhase = kOutPerIn * kResidualLag - kOutputLag;
static_assert(kResidualPhase >= 0 && kResidualPhase < kOutPerIn);

// Past rows to keep: the whole reach of the next layer, except the row that a new one provides.
constexpr std::size_t kPreHistory = kGroupBefore + kGroupAfter;
constexpr std::size_t kActivated1History = 2 * kConvReach;
constexpr std::size_t kConvolvedHistory = kUpBefore + kUpAfter;
constexpr std::size_t kActivated2History = 2 * kOutputReach;
/// The residual reads furthest back in the input; a multiple of 8 keeps it aligned.
constexpr std::size_t kInputHistory = (kResidualLag + kResidualReach + 7) / 8 * 8;
static_assert(kernels::kWindowHistory == 2 * kLowPassReach - 1);

// The oldest input that affects an output; kMemoryFrames adds the convolution's tile, which is computed as a whole.
constexpr std::int64_t kOldestStep = -kOutputLag - kOutputReach - (kLowPassReach - kTrim) / 2;
constexpr std::int64_t kOldestFrame = kOldestStep - kUpBefore - kConvReach - (kLowPassReach - kTrim) / 2 - kUpBefore;
constexpr std::int64_t kOldestInput = floor_div(kOldestFrame - 1, kOutPerIn) - kPreReach;
static_assert(kMemoryFrames >= kernels::tile_inputs(kernels::kOfflinePoints) - kOldestInput);

/// Inputs activated at a time: the six tiles of a 1 ms block in one pass, and the window stays in the L1 cache.
constexpr std::size_t kWindowInputs = 18;
constexpr std::size_t kWindowRows = kRowsPerGroup * kWindowInputs;
/// Zeros after which neither a kept row nor an output depends on earlier input, with a margin.
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
  const std::size_t inputs = max_inputs(points), frames = kRatio * inputs;
  Carver carver;
  Layout at{};
  at.input = carver.take(kInputHistory + inputs + kernels::kMaxWidth);
  at.residual = carver.take(kRatio * (inputs + 1 + 2 * kernels::kMaxWidth));
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
  std::fill_n(out, kRatio * inputs, network_->silence.output);
  taken_ += static_cast<std::int64_t>(inputs);
  return true;
}

void NetworkStream::process_tiles(const float* input, std::size_t tiles, std::int64_t total_inputs, const Workspace& at,
                                  float* out) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  const std::size_t inputs = tiles * kernels::tile_inputs(network_->tile.points), frames = kRatio * inputs;
  if (total_inputs == kUnknownLength && skip_silence(input, inputs, out)) return;
  total_ = total_inputs;
  const std::int64_t taken_frames = kOutPerIn * taken_, activated_length = kOutPerIn * total_ - kTrim;
  std::copy_n(past_.data() + kPast.input, kInputHistory, at.input);
  std::copy_n(input, inputs, at.input + kInputHistory);
  load_state(at.pre, past_.data() + kPast.pre);
  load_state(at.activated1, past_.data() + kPast.activated1);
  load_state(at.convolved, past_.data() + kPast.convolved);

  kernels_.conv_pre(net, at.input + kInputHistory - kPreLag, inputs, at.pre.next());
  first_activation(at, inputs);
  zero_outside(at.activated1, taken_frames - kActivated1Lag, frames, activated_length);
  kernels_.convolve(network_->tile, at.activated1.first, tiles, at.spectra, at.convolved.next());
  zero_outside(at.convolved, taken_frames - kConvolvedLag, frames, activated_length);
  load_state(at.activated2, past_.data() + kPast.activated2);
  second_activation(at, frames);
  zero_outside(at.activated2, taken_frames - kActivated2Lag, frames, output_length());

  kernels_.residual(net, at.input + kInputHistory - kResidualLag, inputs + 1, at.residual);
  kernels_.output(net, at.activated2.first + kOutputReach * kChannels, at.residual + kResidualPhase, frames, out);
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

/// Groups from taken - kGroupLag on; each completes three frames.
void NetworkStream::first_activation(const Workspace& at, std::size_t inputs) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  load_state(at.window, past_.data() + kPast.window1);
  for (std::size_t done = 0; done < inputs; done += kWindowInputs) {
    const std::size_t count = std::min(kWindowInputs, inputs - done);
    const float* row = at.pre.first + (done + kGroupBefore) * kChannels;
    const std::int64_t group = taken_ - kGroupLag + static_cast<std::int64_t>(done);
    kernels_.up_from_16k(net, row, count, at.window.next());
    if (is_edge_group(group) || is_edge_group(group + static_cast<std::int64_t>(count) - 1)) {
      for (std::size_t i = 0; i < count; ++i) {
        edge_group(group + static_cast<std::int64_t>(i), row + i * kChannels,
                   at.window.next() + kRowsPerGroup * i * kChannels);
      }
    }
    kernels_.low_pass(net, 0, at.window.first, kRatio * count, at.activated1.next() + kRatio * done * kChannels);
    save_state(at.window, kRowsPerGroup * count, at.window.first);
  }
  save_state(at.window, 0, past_.data() + kPast.window1);
}

/// Steps from 3 taken - kStepLag on; each completes one frame.
void NetworkStream::second_activation(const Workspace& at, std::size_t frames) NOVASR_RT {
  const kernels::Network& net = network_->layers;
  load_state(at.window, past_.data() + kPast.window2);
  constexpr std::size_t kSteps = kRatio * kWindowInputs;
  const std::int64_t length = kOutPerIn * total_ - kTrim;
  for (std::size_t done = 0; done < frames; done += kSteps) {
    const std::size_t count = std::min(kSteps, frames - done);
    const std::int64_t step = kOutPerIn * taken_ - kStepLag + static_cast<std::int64_t>(done);
    kernels_.up_from_48k(net, at.convolved.first + (done + kUpBefore) * kChannels, count, at.window.next());
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t s = step + static_cast<std::int64_t>(i);  // the up-sampler drops kTrim rows at each end
      if (2 * s < kTrim || 2 * s >= 2 * length - kTrim) {
        std::fill_n(at.window.next() + 2 * i * kChannels, 2 * kChannels, 0.0f);
      }
    }
    kernels_.low_pass(net, 1, at.window.first, count, at.activated2.next() + done * kChannels);
    save_state(at.window, 2 * count, at.window.first);
  }
  save_state(at.window, 0, past_.data() + kPast.window2);
}

/// Whether a group reads rows of conv_pre outside the signal.
bool NetworkStream::is_edge_group(std::int64_t group) const NOVASR_RT {
  return group < kGroupBefore || group + kGroupAfter >= total_;
}

/// Recomputes a group that reaches past the signal: the interpolation repeats the first and last 16 kHz frame, the
/// up-sampler sees zeros outside and drops the first and last kTrim rows of its output.
void NetworkStream::edge_group(std::int64_t group, const float* conv_pre_row, float* window) NOVASR_RT {
  if (!is_edge_group(group)) return;
  const std::int64_t length = kOutPerIn * total_;
  const auto frame = [&](std::int64_t i, std::size_t c) {
    return conv_pre_row[(std::clamp<std::int64_t>(i, 0, total_ - 1) - group) * static_cast<std::int64_t>(kChannels) +
                        static_cast<std::int64_t>(c)];
  };
  const auto interpolated = [&](std::int64_t t, std::size_t c) {
    if (t < 0 || t >= length) return 0.0f;
    const std::int64_t i = t / kOutPerIn, phase = t % kOutPerIn;
    if (phase == 1) return frame(i, c);
    return phase == 0 ? frame(i - 1, c) / 3.0f + frame(i, c) * (2.0f / 3.0f)
                      : frame(i, c) * (2.0f / 3.0f) + frame(i + 1, c) / 3.0f;
  };
  const auto dropped = [&](std::int64_t row) { return row < kTrim || row >= 2 * length - kTrim; };
  const std::int64_t first_step = kOutPerIn * group + kGroupBegin;

  for (std::size_t row = 0; row < kRowsPerGroup; ++row) {
    const std::int64_t t = first_step + static_cast<std::int64_t>(row / 2);
    if (dropped(2 * t + static_cast<std::int64_t>(row % 2))) continue;
    for (std::size_t c = 0; c < kChannels; ++c) {
      float sum = 0.0f;
      for (std::size_t j = 0; j < network::kPhaseTaps; ++j) {
        sum += network_->phases[row % 2][j] * interpolated(t - kUpBefore + static_cast<std::int64_t>(j), c);
      }
      window[row * kChannels + c] = sum;
    }
  }
  kernels_.snake(network_->layers, 0, window, kRowsPerGroup);
  for (std::size_t row = 0; row < kRowsPerGroup; ++row) {
    if (dropped(2 * first_step + static_cast<std::int64_t>(row))) {
      std::fill_n(window + row * kChannels, kChannels, 0.0f);
    }
  }
}

/// Computes the outputs whose filters reach past the signal, and zeroes those outside it. At the start that is one
/// more, because it interpolates towards the frame before the first, which repeats the first.
void NetworkStream::edge_outputs(const Workspace& at, std::size_t frames, float* out) const NOVASR_RT {
  const std::int64_t first = kOutPerIn * taken_ - kOutputLag, length = output_length();
  if (first > kPostReach && first + static_cast<std::int64_t>(frames) <= length - kPostReach) return;
  for (std::size_t k = 0; k < frames; ++k) {
    const std::int64_t t = first + static_cast<std::int64_t>(k);
    if (t < 0 || t >= length) {
      out[k] = 0.0f;
    } else if (t <= kPostReach || t >= length - kPostReach) {
      out[k] = edge_output(at, t);
    }
  }
}

/// Sums conv_post's taps one by one, skipping those outside the signal; see EdgeFilters.
float NetworkStream::edge_output(const Workspace& at, std::int64_t t) const NOVASR_RT {
  const EdgeFilters& edges = network_->edges;
  double sum = 0.0;
  for (std::size_t j = 0; j < EdgeFilters::kTaps; ++j) {
    const std::int64_t time = t - kPostReach + static_cast<std::int64_t>(j);
    if (time < 0 || time >= output_length()) continue;

    sum += edges.branch_bias[j];
    const std::int64_t first_row = kOutPerIn * taken_ - kActivated2Lag - static_cast<std::int64_t>(kActivated2History);
    const std::int64_t row = time - kConvReach - first_row;
    const float* x = at.activated2.first + row * static_cast<std::int64_t>(kChannels);
    const float* weight = edges.branch[j][0].data();
    for (std::size_t k = 0; k < kernels::kConvTaps * kChannels; ++k) sum += static_cast<double>(weight[k]) * x[k];

    const auto pre = [&](std::int64_t i) {  // conv_pre feeding this tap, at 16 kHz frame i; the first frame repeats
      double value = edges.residual_bias[j];
      const float* x_in =
          at.input + static_cast<std::int64_t>(kInputHistory) + std::max<std::int64_t>(i, 0) - taken_ - kPreReach;
      for (std::size_t k = 0; k < kernels::kPreTaps; ++k) value += edges.residual[j][k] * x_in[k];
      return value;
    };
    const std::int64_t i = time / kOutPerIn, phase = time % kOutPerIn;
    if (phase == 1) {
      sum += pre(i);
    } else {
      sum += pre(i) * (2.0 / 3.0) + pre(phase == 0 ? i - 1 : i + 1) / 3.0;
    }
  }
  return static_cast<float>(std::tanh(sum));
}

}  // namespace novasr
