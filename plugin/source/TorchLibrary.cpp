#include "TorchLibrary.h"

#include <filesystem>

#include "novasr/errors.hpp"
#include "novasr/torch_engine.hpp"

namespace
{
constexpr auto engineName = "libnovasr_torch.so";
constexpr auto pointerName = "torch-engine.txt"; // written by `novasr plugin install`: a path
} // namespace

juce::File findTorchLibrary()
{
    namespace fs = std::filesystem;
    const auto loaded = juce::File::getSpecialLocation (juce::File::currentExecutableFile);
    std::error_code failed;
    const auto binary = fs::canonical (loaded.getFullPathName().toStdString(), failed); // bundles may be symbolic links
    if (failed)
        return {};
    const auto contents = binary.parent_path().parent_path(); // NovaSR.vst3/Contents/<platform>/NovaSR.so
    const juce::File pointer ((contents / "Resources" / pointerName).string());
    const fs::path pointedAt = pointer.loadFileAsString().trim().toStdString();
    const fs::path packages = contents.parent_path().parent_path().parent_path(); // Python's, with novasr_plugin
    for (const auto& candidate :
         { pointedAt, binary.parent_path() / engineName, packages / "novasr_torch" / engineName })
        if (candidate.is_absolute() && fs::is_regular_file (candidate, failed))
            return juce::File (candidate.string());
    return {};
}

std::unique_ptr<novasr::StreamingEngine> openTorchScript (const juce::File& script)
{
    const auto library = findTorchLibrary();
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
