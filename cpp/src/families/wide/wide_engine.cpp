#include "families/wide/wide_engine.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <string>
#include <utility>

#include "dsp/finite.hpp"
#include "dsp/flush_denormals.hpp"
#include "novasr/errors.hpp"

namespace novasr::wide {
namespace {

constexpr std::size_t kMaxChannels = 1024;

/// A hop is known when the next one is complete, and in the worst case all but one frame of that are pending.
constexpr std::size_t kLatencyFrames = kHop + (kHop - 1);

/// The gain bands begin there.
constexpr float kLowestCutoffHz = 2'000.0f;

/// Of half a source's rate: where the band that its resampler leaves ends.
constexpr double kSourceShare = 0.97;

/// A source whose band ends above that has the full band until there is evidence.
constexpr double kFullSourceHz = 18'000.0;

/// After a jump of the cut-off by that ratio the layers remember hops of another band, with which they overshoot by up
/// to 14 dB for some 50 ms: what is added fades in.
constexpr float kJump = 1.15f;
constexpr std::size_t kFadeHops = 16;

/// Of the hops since a jump, the first to come.
constexpr std::array<float, kFadeHops> kFade = [] {
  std::array<float, kFadeHops> fade{};
  for (std::size_t hop = 0; hop < kFadeHops; ++hop) {
    const float t = static_cast<float>(hop) / kFadeHops;
    fade[hop] = t * t * (3.0f - 2.0f * t);
  }
  return fade;
}();

float assumed_cutoff_hz(double source_band_hz) {
  const double end = kSourceShare * source_band_hz;
  return source_band_hz == 0.0 || end > kFullSourceHz ? CutoffEstimator::kFullBandHz : static_cast<float>(end);
}

constexpr EngineFormat kFormat{.input_hz = kRateHz,
                               .output_hz = kRateHz,
                               .hop_frames = kHop,
                               // Older sound weighs e^(-8/3) = 7 % in the averages, the longest memory there is.
                               .memory_frames = 4 * kRateHz,
                               .edge_frames = kFrame,
                               .band_hz = kLowestCutoffHz,
                               .linked_channels = true,
                               .forgets = false,
                               .adds_to_input = true};

}  // namespace

WideEngine::WideEngine(std::shared_ptr<const Layers> layers, const kernels::KernelTable& kernels,
                       std::optional<float> cutoff_hz)
    : extender_(std::move(layers), kernels), fixed_cutoff_hz_(cutoff_hz) {}

const EngineFormat& WideEngine::format() const NOVASR_RT {
  return kFormat;
}

std::size_t WideEngine::latency_frames() const NOVASR_RT {
  return kLatencyFrames;
}

EngineStats WideEngine::stats() const NOVASR_RT {
  return {.cutoff_hz = cutoff_hz()};
}

void WideEngine::prepare(const EngineSpec& spec) {
  if (spec.channels < 1 || spec.channels > kMaxChannels) {
    throw ConfigError("channels is " + std::to_string(spec.channels) + "; it must be 1 .. " +
                      std::to_string(kMaxChannels));
  }
  channels_ = spec.channels;
  estimator_.assume(assumed_cutoff_hz(spec.source_band_hz));
  extender_.prepare(channels_);
  input_.prepare(channels_, (1 + kMaxRows) * kHop);
  output_.prepare(channels_, (1 + kMaxRows) * kHop);
  reset();
}

void WideEngine::reset() NOVASR_RT {
  extender_.reset();
  estimator_.reset();
  last_cutoff_hz_ = cutoff_hz();
  hops_since_jump_ = kFadeHops;
  waiting_ = 0;
  ready_ = kHop - 1;
  const auto last_hop = input_.view(kHop), zeros = output_.view(ready_);
  for (std::size_t c = 0; c < channels_; ++c) {
    std::ranges::fill(last_hop[c], 0.0f);
    std::ranges::fill(zeros[c], 0.0f);
  }
}

void WideEngine::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  const FlushDenormals flush_denormals;
  for (std::size_t first = 0; first < in.frames();) {
    const std::size_t left = in.frames() - first, count = std::min(left, next_hops(left) * kHop - waiting_);
    append(in.subview(first, count));
    run_hops();
    deliver(out.subview(first, count));
    first += count;
  }
}

/// The frame after the last one reaches one hop beyond it.
void WideEngine::flush(AudioView<float> out) noexcept {
  const FlushDenormals flush_denormals;
  assert(out.frames() == kLatencyFrames);
  if (waiting_ > 0) {
    append_zeros(kHop - waiting_);
    run_hops();
  }
  append_zeros(kHop);
  run_hops();
  deliver(out);
}

/// Hops to complete next, given `frames` new frames.
std::size_t WideEngine::next_hops(std::size_t frames) const NOVASR_RT {
  return std::clamp<std::size_t>((waiting_ + frames) / kHop, 1, extender_.max_hops());
}

void WideEngine::append(AudioView<const float> in) NOVASR_RT {
  const auto to = input_.view(kHop + waiting_ + in.frames()).subview(kHop + waiting_, in.frames());
  for (std::size_t c = 0; c < channels_; ++c) copy_finite(in[c], to[c]);
  waiting_ += in.frames();
}

void WideEngine::append_zeros(std::size_t frames) NOVASR_RT {
  const auto to = input_.view(kHop + waiting_ + frames).subview(kHop + waiting_, frames);
  for (std::size_t c = 0; c < channels_; ++c) std::ranges::fill(to[c], 0.0f);
  waiting_ += frames;
}

/// Extends the complete hops among the waiting frames.
void WideEngine::run_hops() NOVASR_RT {
  const std::size_t hops = waiting_ / kHop, done = hops * kHop;
  if (hops == 0) return;
  const AudioView<const float> audio = input_.view(kHop + done);
  // On the stack: the engines of a thread share memory that is in the cache. Written before it is read.
  Extender::Workspace work;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  extender_.analyse(audio, work);
  std::array<Extension, kMaxRows> extensions{};
  for (std::size_t h = 0; h < hops; ++h) {
    if (!fixed_cutoff_hz_) estimator_.push(std::span(work.power[h]).first<kLines>());
    extensions[h] = next_extension();
  }
  extender_.extend(audio, std::span(extensions).first(hops), work, output_.view(ready_ + done).subview(ready_, done));
  const auto all = input_.view(kHop + waiting_);
  for (std::size_t c = 0; c < channels_; ++c)
    std::copy(all[c].begin() + static_cast<std::ptrdiff_t>(done), all[c].end(), all[c].begin());
  waiting_ -= done;
  ready_ += done;
}

void WideEngine::deliver(AudioView<float> out) NOVASR_RT {
  assert(out.frames() <= ready_);
  const auto all = output_.view(ready_);
  for (std::size_t c = 0; c < channels_; ++c) {
    const auto end = all[c].begin() + static_cast<std::ptrdiff_t>(out.frames());
    std::copy(all[c].begin(), end, out[c].begin());
    std::copy(end, all[c].end(), all[c].begin());
  }
  ready_ -= out.frames();
}

Extension WideEngine::next_extension() NOVASR_RT {
  const float hz = cutoff_hz();
  if (std::max(hz, last_cutoff_hz_) > kJump * std::min(hz, last_cutoff_hz_)) hops_since_jump_ = 0;
  last_cutoff_hz_ = hz;
  return {.cutoff_hz = hz, .share = hops_since_jump_ < kFadeHops ? kFade[hops_since_jump_++] : 1.0f};
}

float WideEngine::cutoff_hz() const NOVASR_RT {
  return std::max(kLowestCutoffHz, fixed_cutoff_hz_.value_or(estimator_.cutoff_hz()));
}

}  // namespace novasr::wide
