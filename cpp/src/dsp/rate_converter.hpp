#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/fir_design.hpp"
#include "dsp/floor_div.hpp"
#include "dsp/history.hpp"
#include "dsp/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Input and output rate in lowest terms: `out` output frames span `in` input frames.
struct RateRatio {
  std::int64_t in = 1;
  std::int64_t out = 1;

  RateRatio() = default;
  RateRatio(std::uint32_t in_hz, std::uint32_t out_hz) NOVASR_RT;
};

/// The coefficients of a rate conversion: one row of taps for each phase, shared by all channels.
class PolyphaseKernel {
 public:
  /// Identity: one tap of 1.
  PolyphaseKernel() = default;

  /// [control] Samples `parent` for every phase. `unity_dc` scales each row to sum 1, which removes the phase ripple.
  PolyphaseKernel(RateRatio ratio, const KaiserSinc& parent, bool unity_dc);

  /// [any] Look-ahead: input frames that an output needs from after the frame at or just before its position.
  [[nodiscard]] std::size_t right() const NOVASR_RT { return right_; }

  /// [any] Input frames read for one output, including those with zero coefficients.
  [[nodiscard]] std::size_t row_length() const NOVASR_RT { return row_length_; }

  [[nodiscard]] bool is_identity() const NOVASR_RT { return rows_.empty(); }

  /// [audio] One output, `phase` / ratio.out of a frame after `*at`.
  [[nodiscard]] float evaluate(const float* at, std::int64_t phase) const NOVASR_RT;

 private:
  const dsp::KernelTable* kernels_ = nullptr;
  std::size_t right_ = 0;
  std::size_t row_length_ = 1;
  std::int64_t phases_ = 1;
  double row_of_phase_ = 1.0;  // below 1 if there are fewer rows than phases: adjacent rows are then interpolated
  std::vector<float> rows_;
};

/// The range of input that a RateConverter keeps.
struct ConverterReach {
  std::size_t left = 0;        ///< largest PolyphaseKernel::row_length() in use
  std::size_t right = 0;       ///< largest PolyphaseKernel::right() in use
  std::int64_t start = 0;      ///< position of the first output, in 1 / ratio.out input frames; <= 0 delays
  std::size_t backlog = 0;     ///< input frames that may accumulate beyond those of a steady stream
  std::size_t max_append = 0;  ///< input frames per call
};

/// Converts one channel from one rate to another. Output m is the input at time (start + m * in) / out input frames,
/// exactly, for any kernel: `start` sets the delay, independent of the filter.
class RateConverter {
 public:
  /// [control] Allocates; ends with a reset().
  void prepare(RateRatio ratio, const ConverterReach& reach);

  /// [audio] Assumes `level` before the start of the signal.
  void reset(float level = 0.0f) NOVASR_RT;

  /// [audio] Room for the next input frames; the caller fills it.
  [[nodiscard]] std::span<float> append(std::size_t frames) NOVASR_RT;

  /// [audio] Number of outputs that the input so far determines.
  [[nodiscard]] std::size_t available() const NOVASR_RT;

  /// [audio] Input frames still missing for the next `outputs` >= 1 outputs.
  [[nodiscard]] std::size_t missing(std::size_t outputs) const NOVASR_RT;

  /// [audio] Renders the next outputs; may be called again, also with another kernel, before advance().
  /// Precondition: out.size() <= available().
  void render(const PolyphaseKernel& kernel, std::span<float> out) const NOVASR_RT;

  /// [audio]
  void advance(std::size_t outputs) NOVASR_RT { position_ += static_cast<std::int64_t>(outputs) * ratio_.in; }

 private:
  RateRatio ratio_;
  ConverterReach reach_;
  History history_;
  std::int64_t position_ = 0;  // of the next output, counted from the end of the input, in 1 / ratio_.out frames
};

}  // namespace novasr
