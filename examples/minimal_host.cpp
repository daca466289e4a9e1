// The smallest host: a Processor on a synthetic narrowband voice, block by block, without file or device.
// Prints the level of the treble before and after.
#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <vector>

#include "novasr/model.hpp"
#include "novasr/processor.hpp"

namespace {

constexpr std::size_t kRateHz = 48'000, kBlock = 128, kFrames = 750 * kBlock;

/// Power after a binomial high-pass (-12 dB at 12 kHz), in dBFS.
double treble_db(const std::vector<float>& x) {
  double power = 0.0;
  for (std::size_t i = 4; i < x.size(); ++i) {
    const double y = (x[i] - 4.0 * x[i - 1] + 6.0 * x[i - 2] - 4.0 * x[i - 3] + x[i - 4]) / 16.0;
    power += y * y;
  }
  return 10.0 * std::log10(power / static_cast<double>(x.size()) + 1e-20);
}

/// Harmonics of a voice with vibrato, band-limited to 7 kHz.
std::vector<float> narrow_voice() {
  std::vector<float> audio(kFrames);
  double phase = 0.0;
  for (std::size_t i = 0; i < kFrames; ++i) {
    const double hz = 140.0 + 40.0 * std::sin(2.0 * std::numbers::pi * static_cast<double>(i) / kRateHz);
    phase += 2.0 * std::numbers::pi * hz / kRateHz;
    for (int k = 1; k * hz < 7'000.0; ++k) audio[i] += static_cast<float>(0.05 * std::sin(k * phase));
  }
  return audio;
}

}  // namespace

int main() {
  novasr::Processor processor(novasr::default_model()->make_engine());
  processor.prepare({.sample_rate_hz = kRateHz, .output_rate_hz = kRateHz, .channels = 1, .max_block_frames = kBlock});

  const std::vector<float> input = narrow_voice();
  std::vector<float> output(kFrames);
  for (std::size_t i = 0; i < kFrames; i += kBlock) {  // as in an audio callback
    const float* const in[] = {input.data() + i};
    float* const out[] = {output.data() + i};
    processor.process({in, 1, kBlock}, {out, 1, kBlock});
  }
  std::printf("latency %zu frames, treble %.1f dB before and %.1f dB after\n", processor.latency_frames(),
              treble_db(input), treble_db(output));
}
