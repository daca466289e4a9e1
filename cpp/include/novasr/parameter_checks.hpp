#pragma once
#include "novasr/processor.hpp"

namespace novasr {

/// Throw ConfigError if a value is outside its range, with the value and the remedy in the message.
void check_spec(const ProcessSpec& spec);
void check_parameters(const Parameters& parameters, bool low_latency);

/// What applies until set_parameters() is called.
[[nodiscard]] Parameters default_parameters(const ProcessSpec& spec) noexcept;

/// The crossover in force. Input below 16 kHz ends below the crossover's range: it then moves to 7/16 of the input
/// rate, so that there is a dry band to keep and no gap above it.
[[nodiscard]] float usable_crossover_hz(const Parameters& parameters, const ProcessSpec& spec) NOVASR_RT;

}  // namespace novasr
