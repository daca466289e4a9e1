#pragma once
#include <juce_core/juce_core.h>

#include <vector>

#include "novasr/model_weights.hpp"

/// [control] Reads the weights in a .safetensors file (https://github.com/huggingface/safetensors, "Format"), of type
/// F32, F16 or BF16. Throws novasr::ModelError: its message says what is wrong with the file.
novasr::ModelWeights readWeights (const juce::File& file);

/// [any] The plain list of values that ModelWeights::from_values() takes.
std::vector<float> valuesOf (const novasr::ModelWeights& weights);
