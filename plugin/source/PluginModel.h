#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/model.hpp"

/// The model in use: a model for the native engine, or a TorchScript that replaces it.
struct PluginModel
{
    std::shared_ptr<const novasr::Model> model = novasr::default_model();
    juce::String weightsName; ///< name of their file; empty for the built-in weights
    juce::File script;        ///< empty: the native engine is used

    /// [control] The built-in model that a value of the parameter `model` chooses: 0 base, 1 wide.
    static PluginModel builtIn (int choice);

    bool isBuiltIn() const { return model == novasr::built_in_model (model->family()); }

    /// [control] Whether the output is bit-identical; ignores names.
    bool soundsLike (const PluginModel& other) const;
};
