#pragma once
#include <juce_events/juce_events.h>

#include <memory>

#include "Enhancer.h"

/// Frees retired processors of an enhancer on the message thread until none are left. Owns itself, because the plugin
/// may be destroyed on another thread in the meantime.
class Collector final : private juce::Timer, private juce::DeletedAtShutdown
{
public:
    /// [control]
    static void start (std::weak_ptr<Enhancer> enhancer) { new Collector (std::move (enhancer)); }

private:
    explicit Collector (std::weak_ptr<Enhancer> enhancer)
        : enhancer_ (std::move (enhancer))
    {
        startTimer (1000);
    }
    ~Collector() override { stopTimer(); }

    void timerCallback() override
    {
        const auto enhancer = enhancer_.lock();
        if (enhancer == nullptr || ! enhancer->collect())
            delete this;
    }

    std::weak_ptr<Enhancer> enhancer_;
};
