#pragma once
#include <juce_events/juce_events.h>

#include <memory>

class PluginProcessor;

/// Makes a processor follow its parameter `model`, on the message thread. Owns itself, because JUCE may be calling it
/// while the plugin is destroyed on another thread.
class ModelTimer final : private juce::Timer, private juce::DeletedAtShutdown
{
public:
    struct Target
    {
        juce::CriticalSection lock;
        PluginProcessor* processor; ///< null: destroyed; it sets this with the lock held
    };

    /// [control]
    static std::shared_ptr<Target> start (PluginProcessor& processor);

private:
    explicit ModelTimer (std::shared_ptr<Target> target);
    ~ModelTimer() override { stopTimer(); }

    void timerCallback() override;

    const std::shared_ptr<Target> target_;
};
