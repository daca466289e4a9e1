#pragma once
#include <span>
#include <string>

namespace novasr {

/// Where the band of a recording ends, in Hz; 0 for silence. `power` is its long-term spectrum from 0 Hz on, in lines
/// `hz_per_line` apart, where white noise of mean square 1 reads 1. As in the Hi-Fi TTS corpus (Bakhturina et al.,
/// Interspeech 2021) the band ends at the highest frequency within a fixed distance of the peak: 90 dB here instead of
/// their 50, so that the quiet top of speech counts while what a codec or a resampler cut off does not. Whatever lies
/// below the dither of a 16-bit file is silence. Allocates: not for the audio thread.
[[nodiscard]] double band_end_hz(std::span<const double> power, double hz_per_line);

/// A band that ends there or above counts as full. CutoffEstimator finds no edge above it, so that a model for any band
/// then adds nothing.
inline constexpr double kLeastFullBandHz = 18'500.0;

/// What the band of a recording means for enhancing it.
struct BandVerdict {
  enum class Kind {
    extend,  ///< enhancing helps
    leave,   ///< it would replace sound that is there
    narrow,  ///< a gap below 8 kHz stays: only without `any_band`
    silent,  ///< there is nothing to enhance
  };

  Kind kind;
  std::string text;  ///< one sentence, the same in every locale
};

/// The one judgement whether to enhance a recording whose band ends at `bandwidth_hz` (0: silence): for files, arrays
/// and the plugin. A model for `any_band` adds what lies above that end, another one what lies above 8 kHz. Allocates:
/// not for the audio thread.
[[nodiscard]] BandVerdict judge_band(double bandwidth_hz, double sample_rate_hz, bool any_band = false);

/// Whether audio of this rate has room for a band that judge_band() would leave as it is.
[[nodiscard]] bool may_be_full_band(double sample_rate_hz, bool any_band = false) noexcept;

}  // namespace novasr
