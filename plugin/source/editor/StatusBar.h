#pragma once
#include <juce_gui_basics/juce_gui_basics.h>

/// The model in use, latency and load; above them, if any, a message for the user.
class StatusBar final : public juce::Component
{
public:
    struct Content
    {
        juce::String playing;
        juce::String latency;
        juce::String load;
        juce::String message;
        bool isError = false; ///< the message can be dismissed

        bool operator== (const Content&) const = default;
    };

    StatusBar();

    void show (const Content& content);

    /// Height that fits the message.
    int heightFor (int width) const;

    std::function<void()> onDismiss;

    void paint (juce::Graphics& g) override;
    void resized() override;

private:
    Content content_;
    juce::Label message_;
    juce::TextButton dismiss_{ "Dismiss" };
    juce::Label playing_;
    juce::Label latency_;
    juce::Label load_;
};
