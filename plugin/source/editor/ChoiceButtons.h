#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include <vector>

/// A choice parameter as a row of radio buttons under its name.
class ChoiceButtons final : public juce::Component
{
public:
    /// One tooltip per choice.
    ChoiceButtons (juce::AudioParameterChoice& parameter, const juce::StringArray& tooltips);

    void resized() override;

private:
    void show (int choice);

    juce::Label name_;
    std::vector<std::unique_ptr<juce::TextButton>> buttons_;
    juce::ParameterAttachment attachment_;
};
