#pragma once
#include <juce_audio_basics/juce_audio_basics.h>

#include <mutex>

#include "PluginModel.h"
#include "novasr/processor_switch.hpp"

/// Plays a PluginModel: builds processors on control threads, and lets the audio thread change from one to the next.
class Enhancer
{
public:
    /// Why the input passes as it is.
    enum class Idle
    {
        no,
        noBandToAdd,    ///< the rate has no band that the model could fill
        unsupportedRate ///< below 8 or above 192 kHz
    };

    /// [control] Makes ready for the rate and channel count: a running stream goes on if neither changes.
    void prepare (double sampleRate, int channels);

    /// [control] The next block begins a fresh stream.
    void release();

    /// [control] Plays another model, faded in if audio runs. Throws novasr::ModelError or ConfigError if it cannot be
    /// used; the present one then plays on. Gives whether collect() has to be called from now on, until it gives false.
    bool setModel (const PluginModel& model);

    /// [control]
    PluginModel model() const;

    /// [control] Reported delay in frames: for one rate always the same, except that a TorchScript has its own.
    int latencyFor (double sampleRate) const;

    /// [any] Offline, a TorchScript is waited for. Wait-free: wrappers call it in every block.
    void setOffline (bool offline) noexcept { offline_.store (offline, std::memory_order_relaxed); }

    /// [any]
    Idle idle() const noexcept { return idle_.load (std::memory_order_relaxed); }

    /// [control] Frames that came too late from a TorchScript.
    std::uint64_t lateFrames() const noexcept { return lateFrames_.load (std::memory_order_relaxed); }

    /// [control] Blocks that a TorchScript could not compute, and that are silent.
    std::uint64_t failedBlocks() const noexcept { return failedBlocks_.load (std::memory_order_relaxed); }

    /// [control] Frees what has been played out. Gives whether there will be more to free.
    bool collect();

    /// [audio] The next block is treated as the first of a fresh stream.
    void reset() noexcept;

    /// [audio] In place. Without prepare() for its channel count the buffer stays as it is.
    void process (juce::AudioBuffer<float>& buffer, const novasr::Parameters& parameters) noexcept;

private:
    std::unique_ptr<novasr::Processor> makeProcessor (const PluginModel& model, const novasr::ProcessSpec& spec);

    mutable std::mutex control_; // control threads take turns
    PluginModel model_;
    juce::Time scriptTime_; // of the script's last change
    novasr::ProcessSpec spec_{ .channels = 0 };
    novasr::EngineFormat format_; // of the engine made last
    size_t engineLatency_ = 0;
    std::atomic<bool> offline_{ false }; // outlives the engines in switch_, which read it
    bool stale_ = false;                 // released: the next prepare() begins a fresh stream
    bool collecting_ = false;            // somebody calls collect()

    novasr::ProcessorSwitch switch_;
    std::atomic<bool> ready_{ false };
    std::atomic<Idle> idle_{ Idle::no };
    std::atomic<std::uint64_t> lateFrames_{ 0 };
    std::atomic<std::uint64_t> failedBlocks_{ 0 };
};
