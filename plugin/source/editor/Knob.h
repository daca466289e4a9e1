#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

/// A parameter as a knob with its name above and its value below: drag, wheel, arrow keys, or type a value (Return); a
/// double click or Delete restores the default, a right click opens the host's menu.
class Knob final : public juce::Component
{
public:
    /// `keyStep` is the step of the arrow keys; page up and page down move ten steps.
    Knob (juce::RangedAudioParameter& parameter, float keyStep, const juce::String& tooltip);

    void resized() override;
    void enablementChanged() override;

private:
    class Dial final : public juce::Slider
    {
    public:
        Dial (juce::RangedAudioParameter& parameter, double keyStep)
            : parameter_ (parameter),
              keyStep_ (keyStep)
        {
        }
        bool keyPressed (const juce::KeyPress& key) override;
        void mouseDown (const juce::MouseEvent& event) override;
        void mouseDrag (const juce::MouseEvent& event) override;

    private:
        juce::RangedAudioParameter& parameter_;
        double keyStep_;
    };

    juce::Label name_;
    Dial dial_;
    juce::SliderParameterAttachment attachment_;
};
