#include "Enhancer.h"

#include "TorchEngine.h"
#include "novasr/chain_plan.hpp"
#include "novasr/native_engine.hpp"
#include "novasr/worker_engine.hpp"

namespace
{
/// At 16 kHz: 10 ms per call, and time for host blocks of up to 50 ms to be computed beside the audio thread.
constexpr size_t workerHop = 160;
constexpr size_t workerSlack = 800;

constexpr double lowestRate = 8'000.0;
constexpr double highestRate = 192'000.0;

bool isSupported (double rate) { return rate >= lowestRate && rate <= highestRate; }

novasr::ProcessSpec specFor (double rate, int channels)
{
    const auto hz = static_cast<std::uint32_t> (juce::roundToInt (rate)); // hosts may ask for fractions
    return { .sample_rate_hz = hz,
             .output_rate_hz = hz,
             .channels = static_cast<size_t> (channels),
             .max_block_frames = novasr::kMaxBlockFrames }; // costs nothing: longer blocks pass in pieces
}
} // namespace

void Enhancer::prepare (double sampleRate, int channels)
{
    const std::lock_guard lock (control_);
    const auto supported = isSupported (sampleRate) && channels > 0;
    idle_ = ! isSupported (sampleRate)            ? Idle::unsupportedRate
            : sampleRate <= novasr::kModelInputHz ? Idle::noBandToAdd
                                                  : Idle::no;
    if (! supported)
    {
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
}

bool Enhancer::setModel (const Model& model)
{
    const std::lock_guard lock (control_);
    // A script whose file has gone plays on.
    const auto scriptTime = model.script.exists() ? model.script.getLastModificationTime() : scriptTime_;
    const bool same = engineLatency_ > 0 && model.soundsLike (model_) && scriptTime == scriptTime_;
    bool mustCollect = false;
    if (! same)
    {
        // Also without a stream to play in: what cannot be used is refused now.
        auto processor = makeProcessor (model, ready_ ? spec_ : specFor (48'000.0, 1));
        if (ready_)
        {
            switch_.offer (std::move (processor));
            mustCollect = ! std::exchange (collecting_, true);
        }
    }
    model_ = model;
    scriptTime_ = scriptTime;
    return mustCollect;
}

Model Enhancer::model() const
{
    const std::lock_guard lock (control_);
    return model_;
}

int Enhancer::latencyFor (double sampleRate) const
{
    const std::lock_guard lock (control_);
    if (! isSupported (sampleRate))
        return 0;
    const auto plan = novasr::shared_plan (specFor (sampleRate, 1), engineLatency_);
    return static_cast<int> (plan->latency_frames());
}

bool Enhancer::collect()
{
    const std::lock_guard lock (control_);
    collecting_ = switch_.collect();
    return collecting_;
}

void Enhancer::reset() noexcept
{
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
    switch_.follow (parameters);
    switch_.process (audio, audio);
    const auto stats = switch_.stats().engine;
    lateFrames_.store (stats.underrun_frames, std::memory_order_relaxed);
    failedBlocks_.store (stats.failed_blocks, std::memory_order_relaxed);
}

std::unique_ptr<novasr::Processor> Enhancer::makeProcessor (const Model& model, const novasr::ProcessSpec& spec)
{
    std::unique_ptr<novasr::StreamingEngine> engine;
    if (model.script == juce::File())
        engine = std::make_unique<novasr::NativeEngine> (model.weights);
    else
        engine = std::make_unique<novasr::WorkerEngine> (
            openTorchScript (model.script),
            novasr::WorkerOptions{ .hop_frames = workerHop, .slack_frames = workerSlack, .offline_switch = &offline_ });
    const auto& prepared = *engine;
    auto processor = std::make_unique<novasr::Processor> (std::move (engine));
    processor->prepare (spec);
    engineLatency_ = prepared.latency_frames();
    return processor;
}
