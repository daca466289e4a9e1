#include "ControlPanel.h"

#include <array>

#include "Theme.h"

namespace
{
constexpr int margin = 14;
constexpr int choicesWidth = 176;
constexpr int widest = 1'100; // keeps related controls together in a wide window
constexpr float cornerSize = 6.0f;
} // namespace

ControlPanel::ControlPanel (ParameterSet& parameters)
    : mode_ (parameters.mode, { "Your audio is unchanged; the band above the crossover is restored",
                                "The model's output over the whole band, as in upstream NovaSR" }),
      frontEnd_ (parameters.frontEnd, { "Resamples the input to 16 kHz with a sharp linear-phase filter",
                                        "Resamples the input to 16 kHz with the filter of upstream NovaSR" }),
      crossover_ (parameters.crossover, 50.0f, "Lower edge of the restored band (mode Extend)"),
      mix_ (parameters.mix, 0.01f, "0 %: the input; 100 %: enhanced"),
      highBandGain_ (parameters.highBandGain, 0.5f, "Level of the restored band (mode Extend)"),
      outputGain_ (parameters.outputGain, 0.5f, "Level of the output"),
      modeListener_ (parameters.mode,
                     [this] (float mode)
                     {
                         const bool extends = juce::roundToInt (mode) == 0;
                         crossover_.setEnabled (extends);
                         highBandGain_.setEnabled (extends);
                     })
{
    setTitle ("Parameters");
    for (juce::Component* control : std::initializer_list<juce::Component*>{ &mode_, &frontEnd_, &crossover_, &mix_,
                                                                             &highBandGain_, &outputGain_ })
    {
        addAndMakeVisible (control);
        control->setExplicitFocusOrder (getNumChildComponents());
    }
    modeListener_.sendInitialUpdate();
}

void ControlPanel::paint (juce::Graphics& g)
{
    g.setColour (palette::panel);
    g.fillRoundedRectangle (getLocalBounds().toFloat(), cornerSize);
}

void ControlPanel::resized()
{
    auto area = getLocalBounds().reduced (margin, margin - 4);
    area = area.withSizeKeepingCentre (juce::jmin (area.getWidth(), widest), area.getHeight());
    auto choices = area.removeFromLeft (choicesWidth);
    mode_.setBounds (choices.removeFromTop (choices.getHeight() / 2));
    frontEnd_.setBounds (choices);
    area.removeFromLeft (margin);
    const std::array<Knob*, 4> knobs{ &crossover_, &mix_, &highBandGain_, &outputGain_ };
    const int width = area.getWidth() / static_cast<int> (knobs.size());
    for (auto* const knob : knobs)
        knob->setBounds (area.removeFromLeft (width));
}
