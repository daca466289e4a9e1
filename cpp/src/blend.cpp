#include "novasr/blend.hpp"

#include <algorithm>
#include <cmath>

#include "novasr/symmetric_fir.hpp"

namespace novasr {
namespace {

constexpr double kEntrySeconds = 0.0005;

float gain_of_db(float db) NOVASR_RT {
  return db == 0.0f ? 1.0f : std::pow(10.0f, 0.05f * db);
}

}  // namespace

void BlendControls::prepare(std::size_t max_frames, const ChainPlan& plan, std::uint32_t rate_hz, float model_silence) {
  has_crossover = plan.crossover_frames > 0;
  silence = model_silence;
  silent_frames =
      plan.latency_frames() + (plan.edge_frames * std::uint64_t{rate_hz} + kModelOutputHz - 1) / kModelOutputHz;
  entry_frames = static_cast<std::uint64_t>(kEntrySeconds * rate_hz);
  entry.assign(max_frames, 0.0f);
  for (Control* control : {&extend, &high_band_gain, &mix, &output_gain, &bypass, &new_high_pass})
    control->prepare(max_frames);
  new_high_pass.head_for(1.0f, 0);
  for (auto& taps : high_pass) taps.assign(plan.crossover_frames + 1, 0.0f);
}

void BlendControls::follow(const Settings& settings, std::size_t fade_frames) NOVASR_RT {
  const Parameters& parameters = settings.parameters;
  const bool extends = has_crossover && parameters.mode == Mode::extend;
  extend.head_for(extends ? 1.0f : 0.0f, fade_frames);
  high_band_gain.head_for(gain_of_db(parameters.high_band_gain_db), fade_frames);
  mix.head_for(parameters.mix, fade_frames);
  output_gain.head_for(gain_of_db(parameters.output_gain_db), fade_frames);
  bypass.head_for(parameters.bypass ? 1.0f : 0.0f, fade_frames);
  if (!has_crossover) return;
  if (fade_frames > 0 && std::ranges::equal(settings.high_pass, high_pass[1])) return;
  std::swap(high_pass[0], high_pass[1]);
  std::ranges::copy(settings.high_pass, high_pass[1].begin());
  new_high_pass.head_for(0.0f, 0);
  new_high_pass.head_for(1.0f, fade_frames);
}

void BlendControls::render(std::size_t frames) NOVASR_RT {
  for (Control* control : {&extend, &high_band_gain, &mix, &output_gain, &bypass, &new_high_pass})
    control->render(frames);
  entered_ = position >= silent_frames + entry_frames;
  for (std::size_t i = 0; i < frames && !entered_; ++i) {
    const std::uint64_t at = std::clamp(position + i, silent_frames, silent_frames + entry_frames) - silent_frames;
    entry[i] = static_cast<float>(at) / static_cast<float>(entry_frames);
  }
  position += frames;
}

void Blend::prepare(std::size_t crossover_frames, std::size_t max_frames) {
  dry_.prepare(crossover_frames, max_frames);
  wet_.prepare(crossover_frames, max_frames);
  difference_.prepare(2 * crossover_frames, max_frames);
  high_band_.assign(max_frames, 0.0f);
  other_high_band_.assign(max_frames, 0.0f);
}

void Blend::reset(float silence) NOVASR_RT {
  dry_.reset();
  wet_.reset(-silence);
  difference_.reset();
}

void Blend::process(std::span<const float> dry_in, std::span<const float> wet_in, const BlendControls& controls,
                    std::span<float> out) NOVASR_RT {
  const std::span<const float> dry = dry_.process(dry_in);
  const std::span<const float> wet = wet_.process(wet_in);
  const std::span<float> difference = difference_.append(wet_in.size());
  const float* const wet_gain = controls.high_band_gain.values();
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = wet_gain[i] * wet_in[i] - dry_in[i];

  if (controls.bypass.rests_at(1.0f)) {
    std::ranges::copy(dry, out.begin());
    return;
  }
  if (controls.mix.rests_at(0.0f))
    std::ranges::copy(dry, out.begin());
  else
    enhance(dry, wet, controls, out);
  const float* const mix = controls.mix.values();
  if (!controls.mix.rests_at(0.0f) && !controls.mix.rests_at(1.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = dry[i] + mix[i] * (out[i] - dry[i]);
  const float* const gain = controls.output_gain.values();
  if (!controls.output_gain.rests_at(1.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= gain[i];
  const float* const bypass = controls.bypass.values();
  if (!controls.bypass.rests_at(0.0f))
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += bypass[i] * (dry[i] - out[i]);
}

void Blend::enhance(std::span<const float> dry, std::span<const float> wet, const BlendControls& controls,
                    std::span<float> out) NOVASR_RT {
  if (controls.extend.rests_at(0.0f)) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = wet[i] + controls.silence;
    return;
  }
  filter_difference(controls, out.size());
  if (!controls.entered())
    for (std::size_t i = 0; i < out.size(); ++i) high_band_[i] *= controls.entry[i];
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = dry[i] + high_band_[i];
  if (controls.extend.rests_at(1.0f)) return;
  const float* const extend = controls.extend.values();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float full = wet[i] + controls.silence;
    out[i] = full + extend[i] * (out[i] - full);
  }
}

void Blend::filter_difference(const BlendControls& controls, std::size_t frames) NOVASR_RT {
  const std::span<float> high_band = std::span(high_band_).first(frames);
  symmetric_fir(controls.high_pass[1], difference_.end(), high_band);
  if (controls.new_high_pass.rests_at(1.0f)) return;
  const std::span<float> old_band = std::span(other_high_band_).first(frames);
  symmetric_fir(controls.high_pass[0], difference_.end(), old_band);
  const float* const fade = controls.new_high_pass.values();
  for (std::size_t i = 0; i < frames; ++i) high_band[i] = old_band[i] + fade[i] * (high_band[i] - old_band[i]);
}

}  // namespace novasr
