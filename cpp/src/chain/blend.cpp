#include "chain/blend.hpp"

#include <algorithm>
#include <cmath>

#include "dsp/kernels/table.hpp"
#include "dsp/symmetric_fir.hpp"
#include "simd/dispatch.hpp"

namespace novasr {
namespace {

constexpr double kEntrySeconds = 0.0005;

float gain_of_db(float db) NOVASR_RT {
  return db == 0.0f ? 1.0f : std::pow(10.0f, 0.05f * db);
}

}  // namespace

void BlendParameters::prepare(std::size_t max_frames, const ChainPlan& plan, std::uint32_t rate_hz,
                              std::uint32_t engine_hz, float model_silence) {
  has_crossover = plan.crossover_frames > 0;
  sums = plan.sums;
  silence = model_silence;
  silent_frames = plan.latency_frames() + (plan.edge_frames * std::uint64_t{rate_hz} + engine_hz - 1) / engine_hz;
  entry_frames = static_cast<std::uint64_t>(kEntrySeconds * rate_hz);
  entry.assign(max_frames, 0.0f);
  for (SmoothedValue* value : {&extend, &high_band_gain, &mix, &output_gain, &bypass, &new_high_pass})
    value->prepare(max_frames);
  new_high_pass.set_target(1.0f, 0);
  for (auto& taps : high_pass) taps.assign(plan.crossover_frames + 1, 0.0f);
}

void BlendParameters::apply(const Settings& settings, std::size_t fade_frames) NOVASR_RT {
  const Parameters& parameters = settings.parameters;
  const bool extends = has_crossover && parameters.mode == Mode::extend;
  extend.set_target(extends ? 1.0f : 0.0f, fade_frames);
  high_band_gain.set_target(gain_of_db(parameters.high_band_gain_db), fade_frames);
  mix.set_target(parameters.mix, fade_frames);
  output_gain.set_target(gain_of_db(parameters.output_gain_db), fade_frames);
  bypass.set_target(parameters.bypass ? 1.0f : 0.0f, fade_frames);
  if (!has_crossover) return;
  if (fade_frames > 0 && std::ranges::equal(settings.high_pass, high_pass[1])) return;
  std::swap(high_pass[0], high_pass[1]);
  std::ranges::copy(settings.high_pass, high_pass[1].begin());
  new_high_pass.set_target(0.0f, 0);
  new_high_pass.set_target(1.0f, fade_frames);
}

void BlendParameters::render(std::size_t frames) NOVASR_RT {
  for (SmoothedValue* value : {&extend, &high_band_gain, &mix, &output_gain, &bypass, &new_high_pass})
    value->render(frames);
  entered_ = position >= silent_frames + entry_frames;
  for (std::size_t i = 0; i < frames && !entered_; ++i) {
    const std::uint64_t at = std::clamp(position + i, silent_frames, silent_frames + entry_frames) - silent_frames;
    entry[i] = static_cast<float>(at) / static_cast<float>(entry_frames);
  }
  position += frames;
}

void Blend::prepare(std::size_t crossover_frames, std::size_t max_frames) {
  kernels_ = &dsp::table_for(best_isa());
  crossover_frames_ = crossover_frames;
  wet_.prepare(crossover_frames, max_frames);
  difference_.prepare(2 * crossover_frames, max_frames);
  high_band_.assign(max_frames, 0.0f);
  other_high_band_.assign(max_frames, 0.0f);
}

void Blend::reset(float silence) NOVASR_RT {
  wet_.reset(-silence);
  difference_.reset();
}

void Blend::process(const DryPath::Taps& dry_taps, std::span<const float> wet_in, const BlendParameters& parameters,
                    std::span<float> out) NOVASR_RT {
  std::ranges::copy(wet_in, wet_.append(wet_in.size()).begin());
  const std::span<const float> wet = wet_.tap(crossover_frames_, wet_in.size());
  const std::span<const float> dry = dry_taps.after;
  const std::span<float> difference = difference_.append(wet_in.size());
  const float* const wet_gain = parameters.high_band_gain.values();
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = wet_gain[i] * wet_in[i] - dry_taps.before[i];

  if (parameters.bypass.rests_at(1.0f)) {
    std::ranges::copy(dry, out.begin());
    return;
  }
  if (parameters.mix.rests_at(0.0f))
    std::ranges::copy(dry, out.begin());
  else
    enhance(dry, wet, parameters, out);
  const float* const mix = parameters.mix.values();
  if (!parameters.mix.rests_at(0.0f) && !parameters.mix.rests_at(1.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = dry[i] + mix[i] * (out[i] - dry[i]);
  const float* const gain = parameters.output_gain.values();
  if (!parameters.output_gain.rests_at(1.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= gain[i];
  const float* const bypass = parameters.bypass.values();
  if (!parameters.bypass.rests_at(0.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += bypass[i] * (dry[i] - out[i]);
}

void Blend::enhance(std::span<const float> dry, std::span<const float> wet, const BlendParameters& parameters,
                    std::span<float> out) NOVASR_RT {
  if (parameters.sums) {
    const float* const gain = parameters.high_band_gain.values();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = dry[i] + gain[i] * wet[i];
    return;
  }
  if (parameters.extend.rests_at(0.0f)) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = wet[i] + parameters.silence;
    return;
  }
  filter_difference(parameters, out.size());
  if (!parameters.entered())
    for (std::size_t i = 0; i < out.size(); ++i) high_band_[i] *= parameters.entry[i];
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = dry[i] + high_band_[i];
  if (parameters.extend.rests_at(1.0f)) return;
  const float* const extend = parameters.extend.values();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float full = wet[i] + parameters.silence;
    out[i] = full + extend[i] * (out[i] - full);
  }
}

void Blend::filter_difference(const BlendParameters& parameters, std::size_t frames) NOVASR_RT {
  const std::span<float> high_band = std::span(high_band_).first(frames);
  symmetric_fir(*kernels_, parameters.high_pass[1], difference_.end(), high_band);
  if (parameters.new_high_pass.rests_at(1.0f)) return;
  const std::span<float> old_band = std::span(other_high_band_).first(frames);
  symmetric_fir(*kernels_, parameters.high_pass[0], difference_.end(), old_band);
  const float* const fade = parameters.new_high_pass.values();
  for (std::size_t i = 0; i < frames; ++i) high_band[i] = old_band[i] + fade[i] * (high_band[i] - old_band[i]);
}

}  // namespace novasr
