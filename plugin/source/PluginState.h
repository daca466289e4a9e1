#pragma once
#include <juce_graphics/juce_graphics.h>

#include "PluginModel.h"

/// What a session stores: the parameters, and the weights themselves, so that it sounds the same on any machine.
///
///   bytes 0 .. 3   "NvSR"
///   4 .. 7         version of this layout, 2; version 1 can still be read
///   8 .. 11        CRC-32 (ISO 3309) of everything after byte 11
///   12 .. 15       length of the header
///   16 .. 19       number of weights; version 1 lacks it
///   20 ..          header: JSON in UTF-8
///                    parameters  object: id -> value as shown: a number, a choice's name, true or false
///                    weights     name of the weights; "" = built in when this was stored
///                    script      path of the TorchScript in use; "" = none
///                    family      name of the model family; missing in version 1, which had only "novasr"
///                    problem     why the last state was rejected or the script cannot run, for a host to query;
///                                omitted if there is no problem, never read back
///                    editor      [width, height] of the editor; missing = never opened
///   then           the weights: float32, in the order of the family's tensors
/// All numbers are little-endian. Bytes after the weights are ignored (hosts pad). A missing parameter takes its
/// default, an unknown one is ignored: both may come from another version with the same layout. The parameter `model`
/// is that of the family, whatever is stored.
struct PluginState
{
    juce::NamedValueSet parameters;
    PluginModel model;
    juce::String problem; ///< reported by the plugin; written only
    juce::Point<int> editorSize;

    /// [control]
    void write (juce::MemoryBlock& destination) const;

    /// [control] Throws novasr::ModelError with the reason if the data are damaged or of a newer version.
    static PluginState read (const void* data, size_t size);
};
