#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/model.hpp"

/// What the plugin plays: a model of the native engines, and a TorchScript that takes its place if there is one.
struct PluginModel
{
    std::shared_ptr<const novasr::Model> model = novasr::default_model();
    juce::String weightsName; ///< of the file they came from; empty for the built-in ones
    juce::File script;        ///< empty: the native engine plays

    bool isBuiltIn() const { return model == novasr::default_model(); }

    /// [control] Plays the same, bit for bit; names aside.
    bool soundsLike (const PluginModel& other) const;
};
