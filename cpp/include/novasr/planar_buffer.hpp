#pragma once
#include <cstddef>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Owning planar buffer, for scratch space between two stages.
class PlanarBuffer {
 public:
  /// [control] Allocates, filled with zeros.
  void prepare(std::size_t channels, std::size_t max_frames) {
    samples_.assign(channels * max_frames, 0.0f);
    pointers_.resize(channels);
    for (std::size_t c = 0; c < channels; ++c) pointers_[c] = samples_.data() + c * max_frames;
  }

  /// [audio] The first `frames` <= max_frames frames of all channels.
  [[nodiscard]] AudioView<float> view(std::size_t frames) NOVASR_RT {
    return {pointers_.data(), pointers_.size(), frames};
  }

 private:
  std::vector<float> samples_;
  std::vector<float*> pointers_;
};

}  // namespace novasr
