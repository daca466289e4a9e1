#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "novasr/realtime.hpp"

namespace novasr {

/// Estimates continuously where the band of a signal at 48 kHz ends, from the power spectra of its frames.
///
/// A low-pass shows as a cliff in the spectrum: over a third of a second of active signal, every bin below the edge has
/// carried sound at some time, and no bin above it comes close. The natural roll-off of voices and instruments is
/// flatter, and a tone has no band below it. Frames without sound change nothing. The value is held until there is
/// evidence of another one: a cliff elsewhere, or sound above the edge.
///
/// One thread writes, any thread reads, all wait-free. Plain float arithmetic in one order: the same bits on every
/// instruction set.
class CutoffEstimator {
 public:
  static constexpr double kSampleRateHz = 48'000.0;
  static constexpr std::size_t kFrameLength = 512;  ///< under the square root of a periodic Hann window
  static constexpr std::size_t kHop = 256;
  static constexpr std::size_t kBins = kFrameLength / 2 + 1;
  static constexpr float kBinHz = static_cast<float>(kSampleRateHz / kFrameLength);
  static constexpr float kFullBandHz = 24'000.0f;  ///< no edge below about 19 kHz
  static constexpr float kLowestHz = 1'500.0f;     ///< lower edges are not found

  /// [control] `prior_hz` is assumed until there is evidence: half the sample rate of the source.
  explicit CutoffEstimator(float prior_hz = kFullBandHz) noexcept;

  /// [audio] Forgets everything but the prior.
  void reset() NOVASR_RT;

  /// [audio] The next frame: |X|^2 of the unscaled transform, so that white noise of mean square 1 reads kFrameLength /
  /// 2. A frame with NaN, infinite or no power counts as silence.
  void push(std::span<const float, kBins> power) NOVASR_RT;

  /// [any] Where the band ends, in Hz.
  [[nodiscard]] float cutoff_hz() const NOVASR_RT { return cutoff_hz_.load(std::memory_order_relaxed); }

  /// [any] 0: nothing but the prior is known; 1: a cliff of 40 dB or more, or a full band with a loud top octave.
  [[nodiscard]] float confidence() const NOVASR_RT { return confidence_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kBlockFrames = 6;  // active frames between two analyses, 43 ms
  static constexpr std::size_t kBlocks = 7;       // in a window: 0.26 s

  using Spectrum = std::array<float, kBins>;

  /// What one window says about the edge.
  struct Cliff {
    float hz = 0.0f;
    float fall_db = 0.0f;
    float excess_db = 0.0f;  // of the fall, above the least that counts as a cliff; negative: no cliff
  };

  /// An edge that windows agree on.
  struct Track {
    float hz = 0.0f;
    float fall_db = 0.0f;
    float evidence_db = 0.0f;
    std::uint32_t windows = 0;
  };

  struct State {
    std::array<Spectrum, kBlocks> peaks{};  // largest power of each bin in each block
    std::size_t block = 0;                  // that is being filled
    std::size_t frames = 0;                 // in it
    std::size_t blocks = 0;                 // complete, at most kBlocks
    float loudest = 0.0f;                   // decaying peak of the level
    Track current;                          // windows == 0: nothing known but the prior
    Track challenger;
    float evidence_above = 0.0f;            // windows with sound above the edge
    float dead_db = 0.0f;                   // level above the current edge
    bool knows_dead = false;
  };

  [[nodiscard]] bool active(std::span<const float, kBins> power) NOVASR_RT;
  void analyse() NOVASR_RT;
  [[nodiscard]] Spectrum window_db() const NOVASR_RT;
  [[nodiscard]] static Cliff find_cliff(const Spectrum& level_db) NOVASR_RT;
  void confirm(const Cliff& cliff) NOVASR_RT;
  void challenge(const Cliff& cliff) NOVASR_RT;
  void weaken() NOVASR_RT;
  void look_above(const Spectrum& level_db, bool cliff, bool confirmed) NOVASR_RT;
  void publish(float hz, float confidence) NOVASR_RT;

  float prior_hz_;
  State state_;
  std::atomic<float> cutoff_hz_;
  std::atomic<float> confidence_{0.0f};
};

}  // namespace novasr
