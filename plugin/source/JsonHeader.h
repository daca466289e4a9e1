#pragma once
#include <juce_core/juce_core.h>

#include <span>

/// [control] Reads the JSON at the head of a state or a checkpoint. Void if it cannot be read, or nests deeper than any
/// of ours: JUCE's reader calls itself at every bracket, and would use up the stack.
juce::var parseHeader (std::span<const char> utf8);
