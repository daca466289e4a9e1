#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/engine.hpp"

/// [control] Makes the engine for a user's TorchScript (docs/torchscript.md); it allocates and locks, so wrap it in a
/// WorkerEngine. Throws novasr::ModelError if LibTorch is missing or the script cannot be used.
std::unique_ptr<novasr::StreamingEngine> openTorchScript (const juce::File& script);

/// [control] The LibTorch engine that openTorchScript() uses: at the location recorded by `novasr plugin install`,
/// beside the plugin's binary, or in the Python package novasr_torch beside the one that contains the plugin. A
/// nonexistent file if there is none.
juce::File findTorchLibrary();
