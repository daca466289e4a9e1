#pragma once
#include <juce_core/juce_core.h>

#include <span>

/// [control] Reads the JSON header of a plugin state. Void if it is invalid or nested too deeply: JUCE's parser is
/// recursive and would overflow the stack.
juce::var parseHeader (std::span<const char> utf8);
