#pragma once
#include "novasr/engine.hpp"
#include "novasr/parameters.hpp"

namespace novasr {

/// [control] Throws ConfigError if a value is outside its range, with the value and the remedy in the message.
void check_spec(const ProcessSpec& spec, const EngineFormat& format);

/// The parameters in force until set_parameters() is called.
[[nodiscard]] Parameters default_parameters(const ProcessSpec& spec) noexcept;

/// The crossover in force. If the band of the input or the model ends below the requested crossover, it moves to 7/8 of
/// that band edge, so that some dry band remains and there is no gap above it.
[[nodiscard]] float usable_crossover_hz(const Parameters& parameters, const ProcessSpec& spec,
                                        const EngineFormat& format) NOVASR_RT;

}  // namespace novasr
