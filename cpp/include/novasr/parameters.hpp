#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace novasr {

/// Source of the output below and above the crossover.
enum class Mode {
  extend,  ///< the input itself below the crossover, the model above it
  full     ///< the model's output alone, as in upstream NovaSR
};

/// The input resampler, from the input rate to the model's rate.
enum class FrontEnd {
  clean,     ///< sharp linear-phase low-pass: flat pass band, no audible aliasing
  reference  ///< torchaudio's kaiser_window resampler (width 6), with which upstream's weights were trained
};

/// Name, unit and range of a parameter: the single source for checks, hosts, Python and the documentation.
struct ParameterInfo {
  const char* id = "";    ///< for programs; Python appends the unit: crossover_hz
  const char* name = "";  ///< for people
  const char* unit = "";
  float low = 0.0f, high = 0.0f, initial = 0.0f;
  std::array<const char*, 2> choices = {};  ///< names of the values, if the parameter is a choice
};

inline constexpr ParameterInfo kModeInfo{"mode", "Mode", "", 0.0f, 1.0f, 0.0f, {"extend", "full"}};
inline constexpr ParameterInfo kFrontEndInfo{"front_end", "Front end", "", 0.0f, 1.0f, 0.0f, {"clean", "reference"}};
inline constexpr ParameterInfo kCrossoverInfo{"crossover", "Crossover", "Hz", 4'000.0f, 8'000.0f, 7'100.0f};
inline constexpr ParameterInfo kMixInfo{"mix", "Mix", "", 0.0f, 1.0f, 1.0f};
inline constexpr ParameterInfo kHighBandGainInfo{"high_band_gain", "High band gain", "dB", -24.0f, 12.0f, 0.0f};
inline constexpr ParameterInfo kOutputGainInfo{"output_gain", "Output gain", "dB", -60.0f, 24.0f, 0.0f};
inline constexpr ParameterInfo kBypassInfo{"bypass", "Bypass", "", 0.0f, 1.0f, 0.0f};

/// In the order shown by hosts.
inline constexpr std::array kParameters{&kModeInfo,         &kFrontEndInfo,   &kCrossoverInfo, &kMixInfo,
                                        &kHighBandGainInfo, &kOutputGainInfo, &kBypassInfo};

/// May change during playback without changing the latency. For the ranges see kParameters.
struct Parameters {
  Mode mode = Mode::extend;
  FrontEnd front_end = FrontEnd::clean;
  float crossover_hz = kCrossoverInfo.initial;  ///< -6 dB point; lower if the band of the input or the model ends lower
  float mix = kMixInfo.initial;                 ///< 0 = delayed input, 1 = enhanced
  float high_band_gain_db = kHighBandGainInfo.initial;  ///< gain of the model's band (Mode::extend only, unless
                                                        ///< the engine adds to its input)
  float output_gain_db = kOutputGainInfo.initial;
  bool bypass = false;

  bool operator==(const Parameters&) const = default;
};

/// Fixed by prepare(); together with the engine, it alone determines the latency.
struct ProcessSpec {
  std::uint32_t sample_rate_hz = 48'000;  ///< 8 000 .. 192 000
  std::uint32_t output_rate_hz = 48'000;  ///< the engine's output rate, or equal to sample_rate_hz
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< input frames per call of process()
  bool low_latency = false;             ///< shortest path: requires Mode::full and FrontEnd::reference
  double source_band_hz = 0.0;          ///< where the source's band is known to end; 0 = at half its rate
};

/// [control] Throws ConfigError if a value is outside its range, with the value and the remedy in the message.
void check_parameters(const Parameters& parameters, bool low_latency);

}  // namespace novasr
