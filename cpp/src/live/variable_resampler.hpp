#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dsp/history.hpp"
#include "dsp/rate_converter.hpp"
#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Resamples by a ratio that may move while audio runs, for all channels alike.
class VariableResampler {
 public:
  /// [control] Allocates for a ratio (input frames per output frame) near `nominal`, and outputs of up to
  /// `max_output_frames` at a time; ends with a reset().
  void prepare(double nominal_ratio, std::size_t channels, std::size_t max_output_frames);

  /// [audio] As if zeros had come for ever.
  void reset() NOVASR_RT;

  /// [audio] Input frames that the next `outputs` frames take, while the ratio goes from the last one to `ratio`.
  [[nodiscard]] std::size_t needed(std::size_t outputs, double ratio) const NOVASR_RT;

  /// [audio] Takes in.frames() == needed(out.frames(), ratio) frames and fills `out`.
  void process(AudioView<const float> in, double ratio, AudioView<float> out) NOVASR_RT;

  /// [any] Input frames by which the output lags behind the newest input, at the end of a block; the fraction moves.
  [[nodiscard]] double delay_frames() const NOVASR_RT;

  /// [any] Look-ahead: the least that delay_frames() ever is.
  [[nodiscard]] std::size_t right() const NOVASR_RT { return kernel_.right() + 1; }

  /// [any] Most frames that needed() can ask for.
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
