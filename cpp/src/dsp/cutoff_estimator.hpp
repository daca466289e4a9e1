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
/// A low-pass shows as a cliff: within a quarter of a second of active signal, every bin below the edge carries sound
/// at some time, and no bin above comes near that level. The natural roll-off of voices and instruments is flatter, and
/// a tone has no band below it. The value is held until windows agree on another: a cliff elsewhere, or sound above the
/// edge without one. Silence and pauses change nothing. It follows a new band within about 0.4 s of active signal.
///
/// For a filter with a soft slope the edge is where it attenuates by about 20 dB. Edges above 18.4 kHz count as full
/// band. Plain float arithmetic in one order: the same bits on every instruction set.
class CutoffEstimator {
 public:
  static constexpr double kSampleRateHz = 48'000.0;
  static constexpr std::size_t kFrameLength = 512;  ///< under the square root of a Hann window
  static constexpr std::size_t kHop = kFrameLength / 2;
  static constexpr std::size_t kBins = kFrameLength / 2 + 1;
  static constexpr float kBinHz = static_cast<float>(kSampleRateHz / kFrameLength);
  static constexpr float kFullBandHz = static_cast<float>(kSampleRateHz / 2);

  /// [control] `prior_hz` is assumed until there is evidence: half the sample rate of the source.
  explicit CutoffEstimator(float prior_hz = kFullBandHz) noexcept;

  /// [control] Replaces the prior; ends with a reset().
  void assume(float prior_hz) noexcept {
    prior_hz_ = prior_hz;
    reset();
  }

  /// [audio] Forgets everything but the prior.
  void reset() NOVASR_RT;

  /// [audio] Takes the next frame: |X|^2 of the unscaled transform, where white noise of mean square 1 reads
  /// kFrameLength / 2. A frame with NaN or infinity counts as silence.
  void push(std::span<const float, kBins> power) NOVASR_RT;

  /// [any] Where the band ends, in Hz.
  [[nodiscard]] float cutoff_hz() const NOVASR_RT { return cutoff_hz_.load(std::memory_order_relaxed); }

  /// [any] From 0, only the prior is known, to 1: a cliff of 40 dB, or a full band with a loud top octave. Not
  /// synchronised with cutoff_hz(): it may already belong to the next value.
  [[nodiscard]] float confidence() const NOVASR_RT { return confidence_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kBlockFrames = 6;  // active frames from one analysis to the next: 32 ms
  static constexpr std::size_t kBlocks = 7;       // in a window: 0.22 s

  using Spectrum = std::array<float, kBins>;

  /// The most distinct edge in one window.
  struct Cliff {
    float hz = 0.0f;
    float fall_db = 0.0f;
    float excess_db = 0.0f;  // of the fall above what natural sounds reach
  };

  /// An edge that several windows agree on.
  struct Track {
    float hz = 0.0f;       // mean over the windows
    float fall_db = 0.0f;  // likewise
    float evidence_db = 0.0f;
    std::uint32_t windows = 0;

    void add(const Cliff& cliff) NOVASR_RT;
    [[nodiscard]] float confidence() const NOVASR_RT;
  };

  struct State {
    std::array<Spectrum, kBlocks> peaks{};  // largest power of each bin in each block
    std::size_t block = 0;                  // being filled
    std::size_t frames = 0;                 // in it
    std::size_t complete_blocks = 0;        // at most kBlocks
    float loudest = 0.0f;                   // decaying peak of the frames' power
    Track current;                          // without windows: the prior, or full band
    Track challenger;
    std::uint32_t half_windows_above = 0;  // evidence of sound above the edge
    float dead_db = 0.0f;                  // level above the current edge
    bool knows_dead = false;
    float full_band_confidence = 0.0f;
  };

  [[nodiscard]] bool is_active(std::span<const float, kBins> power) NOVASR_RT;
  void analyse() NOVASR_RT;
  [[nodiscard]] Spectrum window_db() const NOVASR_RT;
  [[nodiscard]] static Cliff find_cliff(const Spectrum& level_db) NOVASR_RT;
  void confirm(const Cliff& cliff) NOVASR_RT;
  void challenge(const Cliff& cliff) NOVASR_RT;
  void weaken_challenger() NOVASR_RT;
  void learn_dead_level(const Spectrum& level_db) NOVASR_RT;
  void look_above(const Spectrum& level_db, std::size_t loudest) NOVASR_RT;
  void rate_full_band(const Spectrum& level_db, float loudest_db) NOVASR_RT;
  void publish(float hz, float confidence) NOVASR_RT;

  float prior_hz_;
  State state_;
  std::atomic<float> cutoff_hz_;
  std::atomic<float> confidence_{0.0f};
};

}  // namespace novasr
