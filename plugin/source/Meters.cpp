#include "Meters.h"

#include <algorithm>
#include <array>

void SignalTap::write (const juce::AudioBuffer<float>& buffer, bool watched) noexcept
{
    const auto frames = buffer.getNumSamples();
    const auto magnitude = buffer.getMagnitude (0, frames);
    if (magnitude > peak_.load (std::memory_order_relaxed)) // a read between the two costs one block's peak at most
        peak_.store (magnitude, std::memory_order_relaxed);
    if (! watched)
        return;
    std::array<float, 256> mixed;
    const auto share = 1.0f / static_cast<float> (std::max (1, buffer.getNumChannels()));
    for (int first = 0; first < frames; first += static_cast<int> (mixed.size()))
    {
        const auto count = std::min (static_cast<int> (mixed.size()), frames - first);
        mixed.fill (0.0f);
        for (int channel = 0; channel < buffer.getNumChannels(); ++channel)
            juce::FloatVectorOperations::addWithMultiply (mixed.data(), buffer.getReadPointer (channel, first), share,
                                                          count);
        ring_.write (std::span (mixed).first (static_cast<size_t> (count)));
    }
}
