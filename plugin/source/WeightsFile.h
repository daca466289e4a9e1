#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/model.hpp"

/// [control] Reads the model in a .safetensors file. Throws novasr::ModelError with the reason.
std::shared_ptr<const novasr::Model> readWeights (const juce::File& file);
