#pragma once
#include <span>

#include "ParameterSet.h"

/// A starting point for a kind of input: the model and the brightness; the other parameters get their defaults, except
/// output gain and bypass.
struct Preset
{
    const char* name;
    int model; ///< value of the parameter
    float highBandGainDecibels;

    /// [control]
    void apply (ParameterSet& parameters) const;
};

std::span<const Preset> presets();
