#include "novasr/signal_tap.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "meters/raise_to.hpp"

namespace novasr {
namespace {

float peak_of(AudioView<const float> audio) NOVASR_RT {
  float peak = 0.0f;
  for (std::size_t c = 0; c < audio.channels(); ++c)
    for (const float x : audio[c]) peak = std::max(peak, std::abs(x));
  return peak;
}

void write_average(FrameRing& ring, AudioView<const float> audio) NOVASR_RT {
  std::array<float, 256> average;
  const float share = 1.0f / static_cast<float>(std::max<std::size_t>(1, audio.channels()));
  for (std::size_t first = 0; first < audio.frames(); first += average.size()) {
    const std::span<float> piece = std::span(average).first(std::min(average.size(), audio.frames() - first));
    std::ranges::fill(piece, 0.0f);
    for (std::size_t c = 0; c < audio.channels(); ++c)
      for (std::size_t i = 0; i < piece.size(); ++i) piece[i] += share * audio[c][first + i];
    ring.write(piece);
  }
}

}  // namespace

void SignalTap::write(AudioView<const float> audio, bool watched) NOVASR_RT {
  raise_to(peak_, peak_of(audio));
  if (watched) write_average(ring_, audio);
}

}  // namespace novasr
