#include "chain/dry_path.hpp"

#include <algorithm>

namespace novasr {

void DryPath::prepare(const ProcessSpec& spec, const ChainPlan& plan, std::size_t max_in, std::size_t max_out) {
  resamples_ = spec.sample_rate_hz != spec.output_rate_hz;
  crossover_frames_ = plan.crossover_frames;
  aligned_frames_ = resamples_ ? 0 : plan.aligned_frames;
  history_.prepare(aligned_frames_ + crossover_frames_, std::max(max_in, max_out));
  if (resamples_) {
    const RateRatio ratio(spec.sample_rate_hz, spec.output_rate_hz);
    converter_.prepare(ratio, {.left = plan.dry.row_length(),
                               .right = plan.dry_frames,
                               .start = -static_cast<std::int64_t>(plan.aligned_frames) * ratio.in,
                               .backlog = 0,
                               .max_append = max_in});
  }
  reset();
}

void DryPath::reset() NOVASR_RT {
  history_.reset();
  if (resamples_) converter_.reset();
}

std::span<float> DryPath::append(std::size_t frames) NOVASR_RT {
  return resamples_ ? converter_.append(frames) : history_.append(frames);
}

void DryPath::append_silence(std::size_t outputs) NOVASR_RT {
  std::ranges::fill(append(resamples_ ? converter_.missing(outputs) : outputs), 0.0f);
}

DryPath::Taps DryPath::advance(const PolyphaseKernel& kernel, std::size_t frames) NOVASR_RT {
  if (resamples_) {
    converter_.render(kernel, history_.append(frames));
    converter_.advance(frames);
  }
  return {history_.tap(aligned_frames_, frames), history_.tap(aligned_frames_ + crossover_frames_, frames)};
}

}  // namespace novasr
