#include "ModelTimer.h"

#include "PluginProcessor.h"

namespace
{
/// The parameter may be set on any thread, and engines are built on control threads only.
constexpr int checksPerSecond = 20;
} // namespace

std::shared_ptr<ModelTimer::Target> ModelTimer::start (PluginProcessor& processor)
{
    auto target = std::make_shared<Target>();
    target->processor = &processor;
    new ModelTimer (target);
    return target;
}

ModelTimer::ModelTimer (std::shared_ptr<Target> target)
    : target_ (std::move (target))
{
    startTimerHz (checksPerSecond);
}

void ModelTimer::timerCallback()
{
    {
        const juce::ScopedLock lock (target_->lock);
        if (target_->processor != nullptr)
        {
            target_->processor->followModelParameter();
            return;
        }
    }
    delete this;
}
