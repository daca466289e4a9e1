#pragma once
#include <juce_core/juce_core.h>

#include <memory>

#include "novasr/engine.hpp"

/// [control] The engine for a user's TorchScript (docs/torchscript.md); allocates and locks, so it belongs behind a
/// WorkerEngine. Throws novasr::ModelError if LibTorch is missing or the script cannot be used.
std::unique_ptr<novasr::StreamingEngine> openTorchScript (const juce::File& script);

/// [control] The LibTorch engine that openTorchScript() would take: beside the plugin's binary, in the Python package
/// that the plugin lies in, or where `novasr plugin install` found it. Nonexistent: there is none.
juce::File findTorchLibrary();
