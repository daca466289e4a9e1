#include "dsp/rate_converter.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "dsp/kernels/table.hpp"
#include "simd/dispatch.hpp"

namespace novasr {
namespace {

/// More phases than this are interpolated linearly between this many rows: error (pi / rows)^2 / 8 = -118 dB at most.
constexpr std::int64_t kMaxRows = 1024;

}  // namespace

RateRatio::RateRatio(std::uint32_t in_hz, std::uint32_t out_hz) NOVASR_RT {
  const std::uint32_t divisor = std::gcd(in_hz, out_hz);
  in = in_hz / divisor;
  out = out_hz / divisor;
}

PolyphaseKernel::PolyphaseKernel(RateRatio ratio, const KaiserSinc& parent, bool unity_dc)
    : kernels_(&dsp::table_for(best_isa())), phases_(ratio.out) {
  const bool exact = ratio.out <= kMaxRows;
  const std::int64_t steps = exact ? ratio.out : kMaxRows;
  const std::int64_t row_count = exact ? steps : steps + 1;  // one more row for the last interval
  const double last_phase = exact ? 1.0 - 1.0 / static_cast<double>(steps) : 1.0;
  const auto left = static_cast<std::size_t>(parent.half_width);
  right_ = static_cast<std::size_t>(parent.half_width + last_phase);
  const std::size_t taps = left + right_ + 1;
  row_length_ =
      (taps + dsp::kDotLanes - 1) / dsp::kDotLanes * dsp::kDotLanes;  // filled up with zeros on the side of the past
  row_of_phase_ = static_cast<double>(steps) / static_cast<double>(ratio.out);
  rows_.assign(static_cast<std::size_t>(row_count) * row_length_, 0.0f);

  std::vector<double> row(taps);
  for (std::int64_t r = 0; r < row_count; ++r) {
    const double offset = static_cast<double>(r) / static_cast<double>(steps);
    for (std::size_t k = 0; k < taps; ++k) row[k] = parent(static_cast<double>(k) - static_cast<double>(left) - offset);
    const double scale = unity_dc ? 1.0 / std::accumulate(row.begin(), row.end(), 0.0) : 1.0;
    float* const out = rows_.data() + static_cast<std::size_t>(r + 1) * row_length_ - taps;
    for (std::size_t k = 0; k < taps; ++k) out[k] = static_cast<float>(scale * row[k]);
  }
}

float PolyphaseKernel::evaluate(const float* at, std::int64_t phase) const NOVASR_RT {
  const float* const first = at + right_ + 1 - row_length_;
  if (phases_ <= kMaxRows)
    return kernels_->dot(first, rows_.data() + static_cast<std::size_t>(phase) * row_length_, row_length_);
  const double exact_row = static_cast<double>(phase) * row_of_phase_;
  const auto row = static_cast<std::size_t>(exact_row);
  const float* const h = rows_.data() + row * row_length_;
  return kernels_->dot_between(first, h, h + row_length_, static_cast<float>(exact_row - static_cast<double>(row)),
                               row_length_);
}

void RateConverter::prepare(RateRatio ratio, const ConverterReach& reach) {
  assert(reach.start <= 0);
  constexpr std::int64_t kJitterFrames = 32;  // inputs arrive in batches of up to 6 frames
  ratio_ = ratio;
  reach_ = reach;
  const std::int64_t waiting = -floor_div(reach.start, ratio.out) + 2 * (ratio.in / ratio.out) + kJitterFrames;
  const std::size_t keep = reach.left + reach.right + reach.backlog + static_cast<std::size_t>(waiting);
  history_.prepare(keep, reach.max_append + keep);
  reset();
}

void RateConverter::reset(float level) NOVASR_RT {
  history_.reset(level);
  position_ = reach_.start;
}

std::span<float> RateConverter::append(std::size_t frames) NOVASR_RT {
  position_ -= static_cast<std::int64_t>(frames) * ratio_.out;
  return history_.append(frames);
}

std::size_t RateConverter::available() const NOVASR_RT {
  const std::int64_t last = -static_cast<std::int64_t>(reach_.right) * ratio_.out - 1;  // position of the last output
  return last < position_ ? 0 : static_cast<std::size_t>((last - position_) / ratio_.in + 1);
}

std::size_t RateConverter::missing(std::size_t outputs) const NOVASR_RT {
  const std::int64_t last = position_ + static_cast<std::int64_t>(outputs - 1) * ratio_.in;
  const std::int64_t frames = floor_div(last, ratio_.out) + static_cast<std::int64_t>(reach_.right) + 1;
  return frames > 0 ? static_cast<std::size_t>(frames) : 0;
}

void RateConverter::render(const PolyphaseKernel& kernel, std::span<float> out) const NOVASR_RT {
  assert(out.size() <= available());
  std::int64_t frame = floor_div(position_, ratio_.out);
  std::int64_t phase = position_ - frame * ratio_.out;
  if (kernel.is_identity()) {
    std::copy_n(history_.end() + frame, out.size(), out.begin());
    return;
  }
  const std::int64_t whole_step = ratio_.in / ratio_.out;
  const std::int64_t phase_step = ratio_.in % ratio_.out;
  for (float& y : out) {
    y = kernel.evaluate(history_.end() + frame, phase);
    frame += whole_step;
    phase += phase_step;
    if (phase >= ratio_.out) {
      phase -= ratio_.out;
      ++frame;
    }
  }
}

}  // namespace novasr
