#pragma once
#include <juce_events/juce_events.h>

#include <memory>

#include "Enhancer.h"

/// Frees what an enhancer has played out, on the message thread, until nothing is left to free. Belongs to itself: the
/// plugin may be destroyed on another thread meanwhile.
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
