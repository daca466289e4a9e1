#pragma once
#include <juce_audio_basics/juce_audio_basics.h>

#include <atomic>

#include "novasr/frame_ring.hpp"

/// What the editor shows of one point in the signal. The audio thread writes, one other thread reads, both wait-free.
class SignalTap
{
public:
    SignalTap()
        : ring_ (ringFrames)
    {
    }

    /// [audio] Takes the block's peak, and its average over the channels if somebody watches.
    void write (const juce::AudioBuffer<float>& buffer, bool watched) noexcept;

    /// [reader] Largest magnitude since the last call.
    float takePeak() noexcept { return peak_.exchange (0.0f, std::memory_order_relaxed); }

    /// [reader] As many of the waiting frames as fit; returns how many.
    size_t read (std::span<float> destination) noexcept { return ring_.read (destination); }

private:
    static constexpr size_t ringFrames = 1 << 14; // 85 ms at 192 kHz: two and a half pictures

    novasr::FrameRing ring_;
    std::atomic<float> peak_{ 0.0f };
};

/// Everything that the audio thread tells the editor.
struct Meters
{
    SignalTap before;
    SignalTap after;
    std::atomic<bool> watched{ false }; ///< set by the editor while it is open
    std::atomic<float> load{ 0.0f };    ///< time taken / time given, smoothed over about half a second
};
