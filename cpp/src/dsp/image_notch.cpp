#include "dsp/image_notch.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace novasr {

void ImageNotch::prepare(std::size_t ratio, std::size_t max_frames) {
  ratio_ = ratio;
  for (std::size_t step = 0; step < kSteps; ++step) {
    const double at = (static_cast<double>(step) + 0.5) / kSteps;
    weights_[step] = static_cast<float>(0.5 + 0.5 * std::cos(std::numbers::pi * at));
  }
  const float total = kStep * std::accumulate(weights_.begin(), weights_.end(), 0.0f);
  for (float& weight : weights_) weight /= total;
  audio_.prepare(ratio, max_frames);
  for (std::size_t i = 0; i < sums_.size(); ++i)
    sums_[i].prepare((ratio << i) * (i + 1 < sums_.size() ? 1 : kSteps), max_frames);
  lines_.assign(max_frames, 0.0f);
  reset();
}

void ImageNotch::reset() NOVASR_RT {
  audio_.reset();
  for (History& sum : sums_) sum.reset();
}

std::span<const float> ImageNotch::lines(std::span<const float> audio) NOVASR_RT {
  const std::size_t frames = audio.size();
  std::ranges::copy(audio, audio_.append(frames).begin());
  const float* const x = audio_.end() - frames;
  const float share = 1.0f / static_cast<float>(ratio_);
  const std::span<float> repeats = sums_[0].append(frames);
  for (std::size_t i = 0; i < frames; ++i) repeats[i] = x[i];
  for (std::size_t k = 0; k < ratio_; ++k) {
    const float* const past = x - k;
    for (std::size_t i = 0; i < frames; ++i) repeats[i] -= share * past[i];
  }
  for (std::size_t s = 1; s < sums_.size(); ++s) {
    const std::span<float> sum = sums_[s].append(frames);
    const float* const half = sums_[s - 1].end() - frames;
    const float* const other = half - (ratio_ << (s - 1));
    for (std::size_t i = 0; i < frames; ++i) sum[i] = half[i] + other[i];
  }
  const std::span<float> found = std::span(lines_).first(frames);
  std::ranges::fill(found, 0.0f);
  for (std::size_t step = 0; step < kSteps; ++step) {
    const float* const sum = sums_.back().end() - frames - step * kStep * ratio_;
    for (std::size_t i = 0; i < frames; ++i) found[i] += weights_[step] * sum[i];
  }
  return found;
}

}  // namespace novasr
