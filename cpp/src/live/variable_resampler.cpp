#include "live/variable_resampler.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace novasr {
namespace {

constexpr std::uint32_t kPhases = 1u << 20;  // far more than rows: the kernel interpolates between them
constexpr double kHalfWidth = 24.5;
constexpr double kAttenuationDb = 100.0;
constexpr double kLargestDeviation = 0.01;

}  // namespace

void VariableResampler::prepare(double nominal_ratio, std::size_t channels, std::size_t max_output_frames) {
  const double slower = std::max(1.0, nominal_ratio);  // decimation: a filter that much longer and lower
  kernel_ = PolyphaseKernel(RateRatio(1, kPhases),
                            KaiserSinc::clean(0.5 / slower, kHalfWidth * slower, kAttenuationDb, 1.0), true);
  nominal_ = nominal_ratio;
  max_needed_ =
      static_cast<std::size_t>(static_cast<double>(max_output_frames) * nominal_ratio * (1.0 + kLargestDeviation)) + 2;
  history_.assign(channels, {});
  for (History& history : history_) history.prepare(kernel_.row_length() + kernel_.right() + 4, max_needed_);
  reset();
}

void VariableResampler::reset() NOVASR_RT {
  for (History& history : history_) history.reset();
  ratio_ = nominal_;
  position_ = -static_cast<double>(kernel_.right() + 1);
}

std::size_t VariableResampler::needed(std::size_t outputs, double ratio) const NOVASR_RT {
  if (outputs == 0) return 0;
  // The ratio moves linearly and reaches `ratio` with the step after the last output.
  const double steps = static_cast<double>(outputs);
  const double travel = steps * ratio_ + (ratio - ratio_) * 0.5 * (steps + 1.0);
  const double next = position_ + travel + static_cast<double>(kernel_.right() + 1);  // <= 0: nothing is missing
  return next <= 0.0 ? 0 : static_cast<std::size_t>(std::ceil(next));
}

void VariableResampler::process(AudioView<const float> in, double ratio, AudioView<float> out) NOVASR_RT {
  assert(in.frames() == needed(out.frames(), ratio));
  const std::size_t frames = out.frames();
  if (frames == 0) return;
  const double first = position_ - static_cast<double>(in.frames());
  const double slope = (ratio - ratio_) / static_cast<double>(frames);
  for (std::size_t c = 0; c < history_.size(); ++c) {
    std::ranges::copy(in[c], history_[c].append(in.frames()).begin());
    const float* const newest = history_[c].end() - 1;
    double position = first;
    double step = ratio_;
    for (float& y : out[c]) {
      const double whole = std::floor(position);
      const auto phase = static_cast<std::int64_t>((position - whole) * kPhases);
      y = kernel_.evaluate(newest + static_cast<std::ptrdiff_t>(whole), phase);
      step += slope;
      position += step;
    }
  }
  double step = ratio_;
  position_ = first;
  for (std::size_t i = 0; i < frames; ++i) {
    step += slope;
    position_ += step;
  }
  ratio_ = ratio;
}

double VariableResampler::delay_frames() const NOVASR_RT {
  return -position_;
}

}  // namespace novasr
