#pragma once
#include <juce_audio_basics/juce_audio_basics.h>

#include <mutex>

#include "PluginModel.h"
#include "novasr/processor_switch.hpp"

/// Runs a PluginModel: builds processors on control threads and switches between them on the audio thread.
class Enhancer
{
public:
    /// Why the input passes through unchanged.
    enum class Idle
    {
        no,
        noBandToAdd,    ///< there is no band at this rate for the model to fill
        unsupportedRate ///< below 8 or above 192 kHz
    };

    /// [control] Prepares for the rate and channel count; a running stream continues if neither changes.
    void prepare (double sampleRate, int channels);

    /// [control] The next block starts a fresh stream.
    void release();

    /// [control] Switches to another model, with a crossfade during playback. Throws novasr::ModelError or ConfigError
    /// if it cannot be used, and keeps the current one. If it returns true, call collect() until that returns false.
    bool setModel (const PluginModel& model);

    /// [control]
    PluginModel model() const;

    /// [control] Reported latency in frames: constant for a rate and a model family; a TorchScript has its own.
    int latencyFor (double sampleRate) const;

    /// [any] In offline mode, processing waits for a TorchScript. This setter is wait-free: wrappers call it in every
    /// block.
    void setOffline (bool offline) noexcept { offline_.store (offline, std::memory_order_relaxed); }

    /// [any]
    Idle idle() const noexcept { return idle_.load (std::memory_order_relaxed); }

    /// [any] Whether the model adds to the input, from the band edge that it detects.
    bool detectsBand() const noexcept { return detectsBand_.load (std::memory_order_relaxed); }

    /// [any] The value of the parameter `model` for what plays: a TorchScript need not be of the family of the weights.
    int choice() const noexcept { return detectsBand() ? 1 : 0; }

    /// [any] That band edge, in Hz; 0 until the model plays.
    float cutoffHz() const noexcept { return cutoffHz_.load (std::memory_order_relaxed); }

    /// [control] Late frames of a TorchScript.
    std::uint64_t lateFrames() const noexcept { return lateFrames_.load (std::memory_order_relaxed); }

    /// [control] Blocks that a TorchScript failed to compute; they are silent.
    std::uint64_t failedBlocks() const noexcept { return failedBlocks_.load (std::memory_order_relaxed); }

    /// [control] Frees retired processors. Returns whether more will follow.
    bool collect();

    /// [audio] The next block is treated as the first of a fresh stream.
    void reset() noexcept;

    /// [audio] In place. Leaves the buffer unchanged if prepare() was not called for its channel count.
    void process (juce::AudioBuffer<float>& buffer, const novasr::Parameters& parameters) noexcept;

private:
    std::unique_ptr<novasr::Processor> makeProcessor (const PluginModel& model, const novasr::ProcessSpec& spec);

    mutable std::mutex control_; // serialises control threads
    PluginModel model_;
    juce::Time scriptTime_; // modification time of the script
    novasr::ProcessSpec spec_{ .channels = 0 };
    novasr::EngineFormat format_; // format of the latest engine
    size_t engineLatency_ = 0;
    std::atomic<bool> offline_{ false }; // read by the engines in switch_; must outlive them
    bool stale_ = false;                 // released: the next prepare() starts a fresh stream
    bool collecting_ = false;            // a collector is running

    novasr::ProcessorSwitch switch_;
    std::atomic<bool> ready_{ false };
    std::atomic<Idle> idle_{ Idle::no };
    std::atomic<bool> detectsBand_{ false };
    std::atomic<float> cutoffHz_{ 0.0f };
    std::atomic<std::uint64_t> lateFrames_{ 0 };
    std::atomic<std::uint64_t> failedBlocks_{ 0 };
};
