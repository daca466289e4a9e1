#pragma once
#include "../ParameterSet.h"
#include "ChoiceButtons.h"
#include "Knob.h"

/// All parameters except bypass.
class ControlPanel final : public juce::Component
{
public:
    static constexpr int height = 164;

    explicit ControlPanel (ParameterSet& parameters);

    void paint (juce::Graphics& g) override;
    void resized() override;

private:
    void updateEnablement();

    ParameterSet& parameters_;
    ChoiceButtons model_;
    ChoiceButtons mode_;
    ChoiceButtons frontEnd_;
    Knob crossover_;
    Knob mix_;
    Knob highBandGain_;
    Knob outputGain_;
    juce::ParameterAttachment modelListener_;
    juce::ParameterAttachment modeListener_;
};
