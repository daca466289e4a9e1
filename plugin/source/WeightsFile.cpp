#include "WeightsFile.h"

#include <span>

#include "novasr/errors.hpp"

namespace
{
constexpr juce::int64 largestFile = 64 * 1024 * 1024; // the largest built-in weights are 2.1 MB
} // namespace

std::shared_ptr<const novasr::Model> readWeights (const juce::File& file)
{
    if (! file.existsAsFile())
        throw novasr::ModelError ("is not there");
    if (! file.hasFileExtension ("safetensors"))
        throw novasr::ModelError (
            "is not a .safetensors file; convert PyTorch weights with: novasr export OUT.safetensors --weights "
            "FILE.bin");
    juce::MemoryBlock content;
    if (file.getSize() > largestFile || ! file.loadFileAsData (content))
        throw novasr::ModelError ("is not a .safetensors file of a NovaSR checkpoint");
    return novasr::read_model ({ static_cast<const std::byte*> (content.getData()), content.getSize() });
}
