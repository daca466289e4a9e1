#pragma once
#include "../ParameterSet.h"
#include "ChoiceButtons.h"
#include "Knob.h"

/// All parameters except bypass.
class ControlPanel final : public juce::Component
{
public:
    static constexpr int height = 132;

    explicit ControlPanel (ParameterSet& parameters);

    void paint (juce::Graphics& g) override;
    void resized() override;

private:
    ChoiceButtons mode_;
    ChoiceButtons frontEnd_;
    Knob crossover_;
    Knob mix_;
    Knob highBandGain_;
    Knob outputGain_;
    juce::ParameterAttachment modeListener_; // Mode::full uses neither the crossover nor the gain above it
};
