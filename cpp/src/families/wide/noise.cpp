#include "families/wide/noise.hpp"

#include <algorithm>
#include <cmath>

#include "families/wide/fft.hpp"

namespace novasr::wide {
namespace {

/// White noise of unit variance: a linear congruential generator (D. Knuth). Its first kHop frames follow once more.
std::vector<float> repeating_noise() {
  std::vector<float> audio(kNoiseFrames * kHop);
  std::uint32_t state = 1;
  for (float& sample : audio) {
    state = 1'664'525 * state + 1'013'904'223;
    sample = static_cast<float>((state / 2147483648.0 - 1.0) * std::sqrt(3.0));
  }
  audio.insert(audio.end(), audio.begin(), audio.begin() + kHop);
  return audio;
}

void multiply(float* values, const float* factors) {
  for (std::size_t k = 0; k < kLines; ++k) values[k] *= factors[k];
}

}  // namespace

Noise::Noise() : rows_(kNoiseFrames) {
  const kernels::KernelTable& kernels = kernels::kPortableTable;  // the same bits for every instruction set
  const std::vector<float> audio = repeating_noise();
  alignas(64) float power[kLineRow], factor[kLineRow];
  for (std::size_t hop = 0; hop < kNoiseFrames; ++hop) {
    Row& row = rows_[hop];
    kernels.analyse(fft_tables(), audio.data() + hop * kHop, {row.re, row.im});
    kernels.power({row.re, row.im}, power);
    kernels.whitening(power, 0, factor);
    multiply(row.re, factor);
    multiply(row.im, factor);
  }
}

const Noise& noise() {
  static const Noise spectra;
  return spectra;
}

}  // namespace novasr::wide
