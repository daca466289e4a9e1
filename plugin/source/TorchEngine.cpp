#include "TorchEngine.h"

#include "novasr/errors.hpp"
#include "novasr/torch_engine.hpp"

namespace
{
constexpr auto engineName = "libnovasr_torch.so";
constexpr auto pointerName = "torch-engine.txt"; // written by `novasr plugin install`: a path
} // namespace

juce::File findTorchEngine()
{
    const auto binary = juce::File::getSpecialLocation (juce::File::currentExecutableFile).getLinkedTarget();
    const auto contents = binary.getParentDirectory().getParentDirectory(); // NovaSR.vst3/Contents/<platform>/NovaSR.so
    const auto pointer = contents.getChildFile ("Resources").getChildFile (pointerName).loadFileAsString().trim();
    juce::Array<juce::File> candidates{ binary.getSiblingFile (engineName),
                                        contents.getChildFile ("../../../").getChildFile (engineName) };
    if (juce::File::isAbsolutePath (pointer))
        candidates.add (juce::File (pointer));
    for (const auto& candidate : candidates)
        if (candidate.existsAsFile())
            return candidate;
    return {};
}

std::unique_ptr<novasr::StreamingEngine> openTorchScript (const juce::File& script)
{
    const auto library = findTorchEngine();
    if (library == juce::File())
        throw novasr::ModelError (
            "TorchScript needs LibTorch: pip install 'novasr[torch]', then: novasr plugin install");
    juce::MemoryBlock content;
    if (! script.loadFileAsData (content))
        throw novasr::ModelError (script.getFullPathName().toStdString() + ": cannot be read");
    novasr::TorchOptions options;
    options.library = library.getFullPathName().toStdString();
    return novasr::make_torch_engine ({ static_cast<const char*> (content.getData()), content.getSize() }, options);
}
