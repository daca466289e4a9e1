#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dsp/history.hpp"
#include "dsp/rate_converter.hpp"
#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Resamples all channels by one ratio, which may change while audio runs.
class VariableResampler {
 public:
  /// [control] Allocates for ratios (input frames per output frame) near `nominal_ratio` and blocks of up to
  /// `max_output_frames`; ends with a reset().
  void prepare(double nominal_ratio, std::size_t channels, std::size_t max_output_frames);

  /// [audio] The past becomes silence, the ratio nominal.
  void reset() NOVASR_RT;

  /// [audio] Input frames for the next `outputs` frames, over which the ratio moves linearly to `ratio`.
  [[nodiscard]] std::size_t needed(std::size_t outputs, double ratio) const NOVASR_RT;

  /// [audio] Takes in.frames() == needed(out.frames(), ratio) frames and fills `out`.
  void process(AudioView<const float> in, double ratio, AudioView<float> out) NOVASR_RT;

  /// [any] Delay of the next output behind the newest input, in input frames; its fraction changes from block to block.
  [[nodiscard]] double delay_frames() const NOVASR_RT;

  /// [any] Look-ahead: the minimum of delay_frames().
  [[nodiscard]] std::size_t right() const NOVASR_RT { return kernel_.right() + 1; }

  /// [any] Upper bound of needed().
  [[nodiscard]] std::size_t max_needed() const NOVASR_RT { return max_needed_; }

 private:
  PolyphaseKernel kernel_;
  std::vector<History> history_;
  std::size_t max_needed_ = 0;
  double nominal_ = 1.0;
  double ratio_ = 1.0;
  double position_ = 0.0;  // of the next output, in input frames after the newest one; <= 0
};

}  // namespace novasr
