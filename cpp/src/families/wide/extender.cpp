#include "families/wide/extender.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "dsp/finite.hpp"

namespace novasr::wide {
namespace {

/// Louder samples are analysed as if they had this magnitude: the power of a line stays finite.
constexpr float kLoudest = 1e6f;

/// Amplitude by which a quieter channel is raised at most: below lies rounding.
constexpr float kMostRaised = 100.0f;

/// First line of a whole vector that lies above the start of the crossover.
std::size_t first_line_above(float cutoff_hz) NOVASR_RT {
  const float start = kCrossoverStart * cutoff_hz / kLineHz - 0.5f * kCrossoverLines;
  const auto line = static_cast<std::size_t>(std::max(start, 0.0f));
  return std::min(line, kLines) / kMaxWidth * kMaxWidth;
}

bool is_silent(const float* power) NOVASR_RT {
  return std::all_of(power, power + kLines, [](float p) { return p == 0.0f; });
}

/// A frame that may be analysed, from one of any magnitude.
void bounded_frame(std::span<const float> audio, std::span<float, kFrame> frame) NOVASR_RT {
  std::ranges::copy(audio, frame.begin());
  bound(frame, kLoudest);
}

}  // namespace

Extender::Extender(std::shared_ptr<const Layers> layers, const kernels::KernelTable& kernels)
    : layers_(std::move(layers)), kernels_(kernels), fft_(fft_tables()), bands_(bands()), noise_(noise()) {}

void Extender::prepare(std::size_t channels) {
  channels_ = std::vector<Channel>(channels);
  reset();
}

void Extender::reset() NOVASR_RT {
  hop_ = 0;
  for (Channel& channel : channels_) {
    channel.layers = {};
    channel.averages = {};
    channel.overlap.fill(0.0f);
  }
}

std::size_t Extender::group_size() const NOVASR_RT {
  return std::clamp<std::size_t>(channels_.size(), 1, kMaxRows);
}

void Extender::analyse(AudioView<const float> audio, Workspace& work) const NOVASR_RT {
  const std::size_t hops = audio.frames() / kHop - 1;
  assert(audio.channels() == channels_.size() && hops <= max_hops());
  for (std::size_t h = 0; h < hops; ++h) work.power[h].fill(0.0f);
  std::fill_n(work.loudest, hops, std::numeric_limits<float>::lowest());
  for (std::size_t first = 0; first < channels_.size(); first += group_size()) analyse_group(audio, first, work);
}

void Extender::analyse_group(AudioView<const float> audio, std::size_t first, Workspace& work) const NOVASR_RT {
  const std::size_t hops = audio.frames() / kHop - 1, end = std::min(first + group_size(), channels_.size());
  Workspace::Row* row = work.rows;
  alignas(64) Frame frame;
  for (std::size_t c = first; c < end; ++c) {
    for (std::size_t h = 0; h < hops; ++h, ++row) {
      bounded_frame(audio[c].subspan(h * kHop, kFrame), frame);
      kernels_.analyse(fft_, frame.data(), {row->re, row->im});
      kernels_.power({row->re, row->im}, row->power);
      measure(bands_, kernels_, row->power, row->levels);
      work.loudest[h] = std::max(work.loudest[h], row->levels.level);
      for (std::size_t k = 0; k < kLines; ++k) work.power[h][k] += row->power[k];
    }
  }
}

void Extender::extend(AudioView<const float> audio, std::span<const Extension> extensions, Workspace& work,
                      AudioView<float> out) NOVASR_RT {
  assert(audio.frames() == (extensions.size() + 1) * kHop && out.frames() == extensions.size() * kHop);
  const bool one_group = channels_.size() <= group_size();
  for (std::size_t first = 0; first < channels_.size(); first += group_size()) {
    if (!one_group) analyse_group(audio, first, work);  // the memory holds those of one group
    extend_group(audio, extensions, first, work, out);
  }
  hop_ += extensions.size();
}

void Extender::extend_group(AudioView<const float> audio, std::span<const Extension> extensions, std::size_t first,
                            Workspace& work, AudioView<float> out) NOVASR_RT {
  const std::size_t hops = extensions.size(), end = std::min(first + group_size(), channels_.size());
  std::array<LayerRow, kMaxRows> rows{};
  std::size_t count = 0;
  for (std::size_t c = first; c < end; ++c) {
    for (std::size_t h = 0; h < hops; ++h, ++count) {
      Workspace::Row& row = work.rows[count];
      raise(work.loudest[h], row);
      describe(bands_, kernels_, row.levels, extensions[h].cutoff_hz, channels_[c].averages,
               work.layers.features[count]);
      rows[count] = {&channels_[c].layers, hop_ + h};
    }
  }
  run_layers(*layers_, kernels_, std::span(rows).first(count), work.layers);

  std::size_t r = 0;
  alignas(64) Frame change;
  for (std::size_t c = first; c < end; ++c) {
    auto& overlap = channels_[c].overlap;
    for (std::size_t h = 0; h < hops; ++h, ++r) {
      const auto frame = audio[c].subspan(h * kHop, kFrame);
      change_of(frame, work.rows[r], work.layers.gains[r], extensions[h], hop_ + h, change);
      const auto to = out[c].subspan(h * kHop, kHop);
      for (std::size_t i = 0; i < kHop; ++i) to[i] = overlap[i] + change[i];
      if (hop_ + h == 0) std::ranges::fill(to, 0.0f);
      std::copy(change.begin() + kHop, change.end(), overlap.begin());
    }
  }
}

/// Makes a frame of a quieter channel as loud as the loudest channel's: a source sounds alike wherever it is panned.
void Extender::raise(float loudest, Workspace::Row& row) const NOVASR_RT {
  row.raised = std::min(std::exp((loudest - row.levels.level) / 2.0f), kMostRaised);
  if (row.raised == 1.0f) return;
  for (float& value : row.re) value *= row.raised;
  for (float& value : row.im) value *= row.raised;
  kernels_.power({row.re, row.im}, row.power);
  measure(bands_, kernels_, row.power, row.levels);
}

/// What a frame adds to the audio.
void Extender::change_of(std::span<const float> audio, const Workspace::Row& row, const float* gains,
                         const Extension& extension, std::uint64_t hop, Frame& change) const NOVASR_RT {
  const float cutoff_hz = extension.cutoff_hz;
  if (cutoff_hz >= kFullBandHz || is_silent(row.power)) return change.fill(0.0f);
  const std::size_t first_line = first_line_above(cutoff_hz);
  alignas(64) Frame frame;
  bounded_frame(audio, frame);
  for (float& sample : frame) sample = row.raised * std::max(sample, 0.0f);
  alignas(64) std::array<float, kLineRow> re, im, power, factor;
  kernels_.analyse(fft_, frame.data(), {re.data(), im.data()});
  kernels_.power({re.data(), im.data()}, power.data());
  kernels_.whitening(power.data(), first_line, factor.data());

  alignas(64) std::array<std::array<float, kLineRow>, kExcitations> curves;
  for (std::size_t e = 0; e < kExcitations; ++e) {
    std::array<float, kGainBands> absolute;
    for (std::size_t b = 0; b < kGainBands; ++b) absolute[b] = gains[e * kGainBands + b] + row.levels.level / 2.0f;
    bands_.gains.interpolate(absolute, first_line, curves[e]);
  }
  alignas(64) std::array<float, kLineRow> changed_re, changed_im;
  kernels_.upper_band({.input = {row.re, row.im},
                       .rectified = {re.data(), im.data()},
                       .noise = noise_.of(hop),
                       .whitening = factor.data(),
                       .gain = {curves[0].data(), curves[1].data()},
                       .cutoff_hz = cutoff_hz,
                       .first_line = first_line},
                      {changed_re.data(), changed_im.data()});
  kernels_.synthesise(fft_, {changed_re.data(), changed_im.data()}, change.data());
  for (float& sample : change) sample *= extension.share / row.raised;
}

}  // namespace novasr::wide
