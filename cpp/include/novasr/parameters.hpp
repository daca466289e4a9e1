#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace novasr {

/// What is heard below and above the crossover.
enum class Mode {
  extend,  ///< the input itself below the crossover, the model above it
  full     ///< the model's output alone, as upstream NovaSR
};

/// The filter that brings the input to the model's rate.
enum class FrontEnd {
  clean,     ///< sharp linear-phase low-pass: flat pass band, no audible aliasing
  reference  ///< torchaudio's kaiser_window resampler (width 6), which upstream's weights were trained behind
};

/// Name, unit and range of a parameter; the one source for checks, hosts, Python and the documentation.
struct ParameterInfo {
  const char* id;    ///< for programs; a unit follows in Python's name: crossover_hz
  const char* name;  ///< for people
  const char* unit;
  float low, high, initial;
  std::array<const char*, 2> choices = {};  ///< of a parameter that has names for its values
};

inline constexpr ParameterInfo kModeInfo{"mode", "Mode", "", 0.0f, 1.0f, 0.0f, {"extend", "full"}};
inline constexpr ParameterInfo kFrontEndInfo{"front_end", "Front end", "", 0.0f, 1.0f, 0.0f, {"clean", "reference"}};
inline constexpr ParameterInfo kCrossoverInfo{"crossover", "Crossover", "Hz", 4'000.0f, 8'000.0f, 7'100.0f};
inline constexpr ParameterInfo kMixInfo{"mix", "Mix", "", 0.0f, 1.0f, 1.0f};
inline constexpr ParameterInfo kHighBandGainInfo{"high_band_gain", "High band gain", "dB", -24.0f, 12.0f, 0.0f};
inline constexpr ParameterInfo kOutputGainInfo{"output_gain", "Output gain", "dB", -60.0f, 24.0f, 0.0f};
inline constexpr ParameterInfo kBypassInfo{"bypass", "Bypass", "", 0.0f, 1.0f, 0.0f};

/// In the order in which hosts show them.
inline constexpr std::array kParameters{&kModeInfo,         &kFrontEndInfo,   &kCrossoverInfo, &kMixInfo,
                                        &kHighBandGainInfo, &kOutputGainInfo, &kBypassInfo};

/// May change while audio runs; none of it changes the latency. Ranges are those of kParameters.
struct Parameters {
  Mode mode = Mode::extend;
  FrontEnd front_end = FrontEnd::clean;
  float crossover_hz = kCrossoverInfo.initial;          ///< -6 dB; lower where the input or the model's band ends lower
  float mix = kMixInfo.initial;                         ///< 0 = the delayed input, 1 = enhanced
  float high_band_gain_db = kHighBandGainInfo.initial;  ///< on the band above the crossover (Mode::extend only)
  float output_gain_db = kOutputGainInfo.initial;
  bool bypass = false;

  bool operator==(const Parameters&) const = default;
};

/// Fixed by prepare(); the latency depends on this, on the engine and on nothing else.
struct ProcessSpec {
  std::uint32_t sample_rate_hz = 48'000;  ///< 8 000 .. 192 000
  std::uint32_t output_rate_hz = 48'000;  ///< the engine's output rate, or equal to sample_rate_hz
  std::size_t channels = 1;
  std::size_t max_block_frames = 8192;  ///< input frames per call of process()
  bool low_latency = false;             ///< shortest path: Mode::full and FrontEnd::reference only
};

/// [control] Throws ConfigError if a value is outside its range, with the value and the remedy in the message.
void check_parameters(const Parameters& parameters, bool low_latency);

}  // namespace novasr
