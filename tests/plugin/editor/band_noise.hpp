// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <juce_dsp/juce_dsp.h>

#include <vector>

#include "dsp/fir_design.hpp"

/// Noise that falls by 6 dB per octave above 500 Hz, like speech, and ends at `topHz`; 0: fills the band.
inline std::vector<float> bandNoise(double topHz, double sampleRate, double seconds, double level = 0.1) {
  juce::Random random(11);
  const auto pole = static_cast<float>(std::exp(-juce::MathConstants<double>::twoPi * 500.0 / sampleRate));
  std::vector<float> samples(static_cast<size_t>(seconds * sampleRate));
  float last = 0.0f;
  for (auto& sample : samples) {
    last = pole * last + random.nextFloat() - 0.5f;
    sample = static_cast<float>(level) * last;
  }
  if (topHz <= 0.0) return samples;
  const auto half = static_cast<int>(0.006 * sampleRate);  // -110 dB in 600 Hz
  const auto sinc = novasr::KaiserSinc::clean(topHz - 300.0, half, 110.0, sampleRate);
  auto* const taps = new juce::dsp::FIR::Coefficients<float>(static_cast<size_t>(2 * half));
  for (int i = 1; i < 2 * half; ++i) taps->getRawCoefficients()[i] = static_cast<float>(sinc(i - half));
  juce::dsp::FIR::Filter<float> lowPass(taps);
  for (auto& sample : samples) sample = lowPass.processSample(sample);
  return samples;
}
