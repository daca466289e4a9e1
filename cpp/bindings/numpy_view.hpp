#pragma once
#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "novasr/audio_view.hpp"

/// float32 of shape (frames, channels), C order: what soundfile and sounddevice hand out.
using InterleavedArray = pybind11::array_t<float, pybind11::array::c_style>;

/// Owns planar scratch audio of a fixed size and moves frames between it and interleaved memory.
class PlanarScratch {
 public:
  PlanarScratch(std::size_t channels, std::size_t frames) : samples_(channels * frames) {
    for (std::size_t c = 0; c < channels; ++c) channels_.push_back(samples_.data() + c * frames);
  }

  [[nodiscard]] novasr::AudioView<float> view(std::size_t frames) noexcept {
    return {channels_.data(), channels_.size(), frames};
  }

  void from_interleaved(const float* source, std::size_t frames) noexcept {
    for (std::size_t c = 0; c < channels_.size(); ++c)
      for (std::size_t i = 0; i < frames; ++i) channels_[c][i] = source[i * channels_.size() + c];
  }

  void to_interleaved(float* destination, std::size_t frames) const noexcept {
    for (std::size_t c = 0; c < channels_.size(); ++c)
      for (std::size_t i = 0; i < frames; ++i) destination[i * channels_.size() + c] = channels_[c][i];
  }

 private:
  std::vector<float> samples_;
  std::vector<float*> channels_;
};
