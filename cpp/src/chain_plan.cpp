#include "novasr/chain_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <mutex>
#include <utility>

namespace novasr {
namespace {

constexpr double kOutputHz = kModelOutputHz;

/// 48 kHz leaves 101 frames of 3 ms to these two, 43 are the engine's. The crossover gets what puts its transition band
/// (2.2 kHz, Kaiser) between 6 kHz and where 16 kHz material ends; the front end the rest.
constexpr double kCrossoverFramesAt48k = 74.0;
constexpr double kFrontEndFramesAt48k = 27.0;

/// Outputs that feel the zeros beside the first or last frame in one of the network's layers: 36, and in their last
/// bits more, whose tile is computed together with those. None is further away than the 40 inputs that a channel of the
/// native engine remembers, less its own 37 frames of delay.
constexpr std::size_t kNetworkEdgeFrames = 83;

/// Added to a whole number of frames of look-ahead: the window then ends between two taps, and none is wasted on a
/// zero.
constexpr double kHalfFrame = 0.5;

PolyphaseKernel clean_front_end(std::uint32_t rate_hz) {
  if (rate_hz == kModelInputHz) return {};
  const double rate = rate_hz;
  const RateRatio ratio(rate_hz, kModelInputHz);
  if (rate_hz < kModelInputHz)  // up: the images begin where the input ends
    return {ratio, KaiserSinc::clean(0.5 * rate, 14.5, 70.0, rate), true};
  const double half_width = (kFrontEndFramesAt48k + kHalfFrame) * rate / kOutputHz;
  return {ratio, KaiserSinc::clean(0.5 * kModelInputHz, half_width, 50.0, rate), true};
}

PolyphaseKernel back_end(std::uint32_t rate_hz, bool low_latency) {
  if (rate_hz == kModelOutputHz) return {};
  const double rate = rate_hz;
  const double cutoff = 0.5 * std::min(rate, kOutputHz);
  const double half_width = low_latency ? 24.5 : std::clamp(36.5 * 44'100.0 / rate, 36.5, 52.5);
  const double attenuation = low_latency ? 80.0 : 100.0;
  return {RateRatio(kModelOutputHz, rate_hz), KaiserSinc::clean(cutoff, half_width, attenuation, kOutputHz), true};
}

PolyphaseKernel dry_path(const ProcessSpec& spec) {
  if (spec.sample_rate_hz == spec.output_rate_hz) return {};
  const double rate = spec.sample_rate_hz;
  const double out = spec.output_rate_hz;
  const double half_width = (spec.low_latency ? 12.0 : 24.0) * std::max(1.0, rate / out);
  const double attenuation = spec.low_latency ? 60.0 : 80.0;
  return {RateRatio(spec.sample_rate_hz, spec.output_rate_hz),
          KaiserSinc::clean(0.5 * std::min(rate, out), half_width, attenuation, rate), true};
}

/// Smallest delay with which every output is there in time. Output m is due with input N(m) = ceil((m + 1) in / out);
/// by then the front end has made J = floor((N - 1 - look-ahead) 16000 / in) + 1 frames and the engine 3 J. Everything
/// repeats after one second.
std::size_t smallest_delay(const ProcessSpec& spec, const ChainPlan& plan) {
  const std::int64_t in = spec.sample_rate_hz;
  const std::int64_t out = spec.output_rate_hz;
  const std::int64_t engine_hz = kModelOutputHz;
  std::int64_t delay = 0;
  for (std::int64_t m = 0; m < out; ++m) {
    const std::int64_t inputs = ((m + 1) * in + out - 1) / out;
    const auto front_end = static_cast<std::int64_t>(plan.front_end_frames);
    const std::int64_t at_16k = floor_div((inputs - 1 - front_end) * kModelInputHz, in) + 1;
    const std::int64_t at_48k = 3 * at_16k - static_cast<std::int64_t>(plan.back_end_frames + plan.engine_frames);
    const std::int64_t wet = floor_div(m * engine_hz - at_48k * out, engine_hz) + 1;
    const std::int64_t dry = floor_div(m * in - (inputs - static_cast<std::int64_t>(plan.dry_frames)) * out, in) + 1;
    delay = std::max({delay, wet, dry});
  }
  return static_cast<std::size_t>(delay);
}

}  // namespace

ChainPlan plan_chain(const ProcessSpec& spec, std::size_t engine_latency_frames) {
  ChainPlan plan;
  plan.passthrough = spec.output_rate_hz <= kModelInputHz;
  if (plan.passthrough) return plan;

  if (spec.sample_rate_hz != kModelInputHz)
    plan.reference = {RateRatio(spec.sample_rate_hz, kModelInputHz),
                      KaiserSinc::torchaudio(spec.sample_rate_hz, kModelInputHz), false};
  if (!spec.low_latency) plan.clean = clean_front_end(spec.sample_rate_hz);
  plan.back_end = back_end(spec.output_rate_hz, spec.low_latency);
  plan.dry = dry_path(spec);

  plan.front_end_frames = std::max(plan.reference.right(), plan.clean.right());
  plan.engine_frames = engine_latency_frames;
  plan.back_end_frames = plan.back_end.right();
  plan.dry_frames = plan.dry.right();
  plan.aligned_frames = smallest_delay(spec, plan);
  if (!spec.low_latency)
    plan.crossover_frames =
        static_cast<std::size_t>(std::ceil(kCrossoverFramesAt48k * spec.output_rate_hz / kOutputHz));
  plan.edge_frames =
      kNetworkEdgeFrames + plan.back_end_frames +
      static_cast<std::size_t>(std::ceil(static_cast<double>(plan.crossover_frames) * kOutputHz / spec.output_rate_hz));
  return plan;
}

std::shared_ptr<const ChainPlan> shared_plan(const ProcessSpec& spec, std::size_t engine_latency_frames) {
  using Key = std::array<std::size_t, 4>;  // all that plan_chain() reads
  static std::mutex mutex;
  static std::deque<std::pair<Key, std::shared_ptr<const ChainPlan>>> remembered;
  constexpr std::size_t kRemembered = 8;

  const Key key{spec.sample_rate_hz, spec.output_rate_hz, spec.low_latency ? 1u : 0u, engine_latency_frames};
  const std::lock_guard lock(mutex);
  const auto found = std::ranges::find(remembered, key, &decltype(remembered)::value_type::first);
  if (found != remembered.end()) return found->second;
  if (remembered.size() == kRemembered) remembered.pop_front();
  remembered.emplace_back(key, std::make_shared<const ChainPlan>(plan_chain(spec, engine_latency_frames)));
  return remembered.back().second;
}

}  // namespace novasr
