#pragma once
#include <atomic>

#include "novasr/load_meter.hpp"
#include "novasr/signal_tap.hpp"

/// What the audio thread measures for the editor.
struct Meters
{
    static constexpr std::size_t tapFrames = 1 << 14; // 85 ms at 192 kHz: two and a half pictures

    novasr::SignalTap before{ tapFrames };
    novasr::SignalTap after{ tapFrames };
    novasr::LoadMeter load;
    std::atomic<bool> watched{ false }; ///< set by the editor while it is open
};
