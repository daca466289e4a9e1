#include "Enhancer.h"

#include "TorchLibrary.h"
#include "novasr/worker_engine.hpp"

namespace
{
/// A TorchScript processes 10 ms at a time, with headroom for host blocks of up to 50 ms.
constexpr size_t workerHopsPerSecond = 100;
constexpr size_t workerHeadroomsPerSecond = 20;

constexpr double lowestRate = 8'000.0;
constexpr double highestRate = 192'000.0;

bool isSupported (double rate) { return rate >= lowestRate && rate <= highestRate; }

novasr::ProcessSpec specFor (double rate, int channels)
{
    const auto hz = static_cast<std::uint32_t> (juce::roundToInt (rate)); // hosts may use fractional rates
    return { .sample_rate_hz = hz,
             .output_rate_hz = hz,
             .channels = static_cast<size_t> (channels),
             .max_block_frames = novasr::kMaxBlockFrames }; // costs nothing: longer blocks are split
}

std::unique_ptr<novasr::StreamingEngine> makeWorker (std::unique_ptr<novasr::StreamingEngine> engine,
                                                     const std::atomic<bool>& offline)
{
    const size_t rate = engine->format().input_hz;
    return std::make_unique<novasr::WorkerEngine> (
        std::move (engine), novasr::WorkerOptions{ .hop_frames = rate / workerHopsPerSecond,
                                                   .headroom_frames = rate / workerHeadroomsPerSecond,
                                                   .offline = &offline });
}
} // namespace

void Enhancer::prepare (double sampleRate, int channels)
{
    const std::lock_guard lock (control_);
    const auto supported = isSupported (sampleRate) && channels > 0;
    if (! isSupported (sampleRate))
        idle_ = Idle::unsupportedRate;
    if (! supported)
    {
        cutoffHz_ = 0.0f;
        ready_ = false;
        return;
    }
    const auto spec = specFor (sampleRate, channels);
    const bool same = ready_ && spec.sample_rate_hz == spec_.sample_rate_hz && spec.channels == spec_.channels;
    if (same)
    {
        if (std::exchange (stale_, false))
            switch_.reset();
        return;
    }
    ready_ = false;
    cutoffHz_ = 0.0f;
    auto processor = makeProcessor (model_, spec);
    spec_ = spec;
    switch_.prepare (spec, std::move (processor));
    stale_ = false;
    ready_ = true;
}

void Enhancer::release()
{
    const std::lock_guard lock (control_);
    stale_ = true;
    cutoffHz_ = 0.0f;
}

bool Enhancer::setModel (const PluginModel& model)
{
    const std::lock_guard lock (control_);
    // A script whose file has been deleted stays in use.
    const auto scriptTime = model.script.exists() ? model.script.getLastModificationTime() : scriptTime_;
    const bool same = engineLatency_ > 0 && model.soundsLike (model_) && scriptTime == scriptTime_;
    bool mustCollect = false;
    if (! same)
    {
        // Also without a running stream, to reject an unusable model immediately.
        auto processor = makeProcessor (model, ready_ ? spec_ : specFor (48'000.0, 1));
        if (ready_)
        {
            switch_.offer (std::move (processor));
            mustCollect = ! std::exchange (collecting_, true);
        }
        cutoffHz_ = 0.0f; // the next block sets it
    }
    model_ = model;
    scriptTime_ = scriptTime;
    return mustCollect;
}

PluginModel Enhancer::model() const
{
    const std::lock_guard lock (control_);
    return model_;
}

int Enhancer::latencyFor (double sampleRate) const
{
    const std::lock_guard lock (control_);
    if (! isSupported (sampleRate))
        return 0;
    return static_cast<int> (novasr::processing_latency_frames (specFor (sampleRate, 1), format_, engineLatency_));
}

bool Enhancer::collect()
{
    const std::lock_guard lock (control_);
    collecting_ = switch_.collect();
    return collecting_;
}

void Enhancer::reset() noexcept
{
    cutoffHz_ = 0.0f;
    if (ready_)
        switch_.reset();
}

void Enhancer::process (juce::AudioBuffer<float>& buffer, const novasr::Parameters& parameters) noexcept
{
    const auto channels = static_cast<size_t> (buffer.getNumChannels());
    const auto frames = static_cast<size_t> (buffer.getNumSamples());
    if (! ready_.load (std::memory_order_acquire) || channels != spec_.channels || frames == 0)
        return;
    const novasr::AudioView<float> audio (buffer.getArrayOfWritePointers(), channels, frames);
    switch_.apply (parameters);
    switch_.process (audio, audio);
    const auto stats = switch_.stats().engine;
    lateFrames_.store (stats.underrun_frames, std::memory_order_relaxed);
    failedBlocks_.store (stats.failed_blocks, std::memory_order_relaxed);
    cutoffHz_.store (stats.cutoff_hz, std::memory_order_relaxed);
}

std::unique_ptr<novasr::Processor> Enhancer::makeProcessor (const PluginModel& model, const novasr::ProcessSpec& spec)
{
    std::unique_ptr<novasr::StreamingEngine> engine;
    if (model.script == juce::File())
        engine = model.model->make_engine();
    else
        engine = makeWorker (openTorchScript (model.script), offline_);
    const auto& prepared = *engine;
    auto processor = std::make_unique<novasr::Processor> (std::move (engine));
    processor->prepare (spec);
    format_ = prepared.format();
    engineLatency_ = prepared.latency_frames();
    detectsBand_ = format_.adds_to_input;
    idle_ = format_.extends (spec.sample_rate_hz) ? Idle::no : Idle::noBandToAdd;
    return processor;
}
