#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/model_weights.hpp"

/// The network that plays: weights for the native engine, and a TorchScript that takes their place if there is one.
struct Model
{
    std::shared_ptr<const novasr::ModelWeights> weights = novasr::default_weights();
    juce::String weightsName; ///< of the file they came from; empty for the built-in ones
    juce::File script;        ///< empty: the native engine plays

    bool isBuiltIn() const { return weights == novasr::default_weights(); }

    /// [control] Plays the same, bit for bit; names aside.
    bool soundsLike (const Model& other) const;
};
