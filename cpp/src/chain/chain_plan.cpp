#include "chain/chain_plan.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "concurrency/mutex.hpp"

namespace novasr {
namespace {

/// Latency budget at 48 kHz: 144 frames (3 ms) = 43 of the default engine + 74 crossover + 27 input resampler. 74 is
/// the shortest crossover whose 2.2 kHz transition (Kaiser) fits between 6 kHz and the upper band edge of 16 kHz
/// material.
constexpr double kBudgetHz = 48'000.0;
constexpr double kCrossoverFrames = 74.0;
constexpr double kInputResamplerFrames = 27.0;

/// Added to the look-ahead in whole frames, so that the window ends between two taps and no tap is zero.
constexpr double kHalfFrame = 0.5;

PolyphaseKernel clean_input_resampler(std::uint32_t rate_hz, std::uint32_t engine_hz) {
  if (rate_hz == engine_hz) return {};
  const double rate = rate_hz;
  const RateRatio ratio(rate_hz, engine_hz);
  if (rate_hz < engine_hz)  // upsampling: the images start at the input's Nyquist frequency
    return {ratio, KaiserSinc::clean(0.5 * rate, 14.5, 70.0, rate), true};
  const double half_width = (kInputResamplerFrames + kHalfFrame) * rate / kBudgetHz;
  return {ratio, KaiserSinc::clean(0.5 * engine_hz, half_width, 50.0, rate), true};
}

PolyphaseKernel output_resampler(std::uint32_t engine_hz, std::uint32_t rate_hz, bool low_latency) {
  if (rate_hz == engine_hz) return {};
  const double rate = rate_hz;
  const double cutoff = 0.5 * std::min(rate, static_cast<double>(engine_hz));
  const double half_width = low_latency ? 24.5 : std::clamp(36.5 * 44'100.0 / rate, 36.5, 52.5);
  const double attenuation = low_latency ? 80.0 : 100.0;
  return {RateRatio(engine_hz, rate_hz),
          KaiserSinc::clean(cutoff, half_width, attenuation, static_cast<double>(engine_hz)), true};
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

/// Smallest delay with which every output is ready in time. Output m is due with input N(m) = ceil((m + 1) in / out);
/// by then the input resampler has produced J = floor((N - 1 - look-ahead) engine's input rate / in) + 1 frames and the
/// engine ratio J. The pattern repeats every second.
std::size_t smallest_delay(const ProcessSpec& spec, const EngineFormat& format, const ChainPlan& plan) {
  const std::int64_t in = spec.sample_rate_hz;
  const std::int64_t out = spec.output_rate_hz;
  const std::int64_t engine_hz = format.output_hz;
  const auto ratio = static_cast<std::int64_t>(format.ratio());
  std::int64_t delay = 0;
  for (std::int64_t m = 0; m < out; ++m) {
    const std::int64_t inputs = ((m + 1) * in + out - 1) / out;
    const auto input_resampler = static_cast<std::int64_t>(plan.input_resampler_frames);
    const std::int64_t into_engine = floor_div((inputs - 1 - input_resampler) * format.input_hz, in) + 1;
    const std::int64_t ready =
        ratio * into_engine - static_cast<std::int64_t>(plan.output_resampler_frames + plan.engine_frames);
    const std::int64_t wet = floor_div(m * engine_hz - ready * out, engine_hz) + 1;
    const std::int64_t dry = floor_div(m * in - (inputs - static_cast<std::int64_t>(plan.dry_frames)) * out, in) + 1;
    delay = std::max({delay, wet, dry});
  }
  return static_cast<std::size_t>(delay);
}

}  // namespace

ChainPlan plan_chain(const ProcessSpec& spec, const EngineFormat& format, std::size_t engine_latency_frames) {
  ChainPlan plan;
  plan.passthrough = spec.sample_rate_hz == spec.output_rate_hz && !format.extends(spec.output_rate_hz);
  if (plan.passthrough) return plan;

  if (spec.sample_rate_hz != format.input_hz)
    plan.reference = {RateRatio(spec.sample_rate_hz, format.input_hz),
                      KaiserSinc::torchaudio(spec.sample_rate_hz, format.input_hz), false};
  if (!spec.low_latency) plan.clean = clean_input_resampler(spec.sample_rate_hz, format.input_hz);
  plan.output_resampler = output_resampler(format.output_hz, spec.output_rate_hz, spec.low_latency);
  plan.dry = dry_path(spec);

  plan.input_resampler_frames = std::max(plan.reference.right(), plan.clean.right());
  plan.engine_frames = engine_latency_frames;
  plan.output_resampler_frames = plan.output_resampler.right();
  plan.dry_frames = plan.dry.right();
  plan.aligned_frames = smallest_delay(spec, format, plan);
  plan.sums = format.adds_to_input;
  if (!spec.low_latency && !plan.sums)
    plan.crossover_frames = static_cast<std::size_t>(std::ceil(kCrossoverFrames * spec.output_rate_hz / kBudgetHz));
  plan.edge_frames = format.edge_frames + plan.output_resampler_frames +
                     static_cast<std::size_t>(std::ceil(static_cast<double>(plan.crossover_frames) * format.output_hz /
                                                        spec.output_rate_hz));
  return plan;
}

std::shared_ptr<const ChainPlan> shared_plan(const ProcessSpec& spec, const EngineFormat& format,
                                             std::size_t engine_latency_frames) {
  struct Key {  // everything that plan_chain() depends on
    std::uint32_t sample_rate_hz, output_rate_hz;
    bool low_latency;
    EngineFormat format;
    std::size_t engine_latency_frames;
    bool operator==(const Key&) const = default;
  };
  static Mutex mutex;
  static std::deque<std::pair<Key, std::shared_ptr<const ChainPlan>>> remembered;
  constexpr std::size_t kRemembered = 8;

  const Key key{spec.sample_rate_hz, spec.output_rate_hz, spec.low_latency, format, engine_latency_frames};
  const std::lock_guard lock(mutex);
  const auto found = std::ranges::find(remembered, key, &decltype(remembered)::value_type::first);
  if (found != remembered.end()) return found->second;
  if (remembered.size() == kRemembered) remembered.pop_front();
  remembered.emplace_back(key, std::make_shared<const ChainPlan>(plan_chain(spec, format, engine_latency_frames)));
  return remembered.back().second;
}

}  // namespace novasr
