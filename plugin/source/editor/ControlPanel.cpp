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
    : parameters_ (parameters),
      model_ (parameters.model, { "Restores the band above the crossover, from 16 kHz recordings on; 3 ms of latency",
                                  "Detects where the band of the input ends, from 2 to 16 kHz, and restores the rest; "
                                  "11 ms of latency" }),
      mode_ (parameters.mode, { "Your audio is unchanged; the band above the crossover is restored",
                                "The model's output over the whole band, as in upstream NovaSR" }),
      frontEnd_ (parameters.frontEnd, { "Resamples the input to 16 kHz with a sharp linear-phase filter",
                                        "Resamples the input to 16 kHz with the filter of upstream NovaSR" }),
      crossover_ (parameters.crossover, 50.0f, "Lower edge of the restored band (model Base, mode Extend)"),
      mix_ (parameters.mix, 0.01f, "0 %: the input; 100 %: enhanced"),
      highBandGain_ (parameters.highBandGain, 0.5f,
                     "Brightness: level of the restored band (not in mode Full of model Base)"),
      outputGain_ (parameters.outputGain, 0.5f, "Level of the output"),
      modelListener_ (parameters.model, [this] (float) { updateEnablement(); }),
      modeListener_ (parameters.mode, [this] (float) { updateEnablement(); })
{
    setTitle ("Parameters");
    for (juce::Component* control : std::initializer_list<juce::Component*>{ &model_, &mode_, &frontEnd_, &crossover_,
                                                                             &mix_, &highBandGain_, &outputGain_ })
    {
        addAndMakeVisible (control);
        control->setExplicitFocusOrder (getNumChildComponents());
    }
    updateEnablement();
}

/// The model wide has neither modes nor a crossover; mode full of base has no crossover and no gain above it.
void ControlPanel::updateEnablement()
{
    const bool wide = parameters_.model.getIndex() != 0;
    const bool extends = parameters_.mode.getIndex() == 0;
    mode_.setEnabled (! wide);
    crossover_.setEnabled (! wide && extends);
    highBandGain_.setEnabled (wide || extends);
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
    const std::array<ChoiceButtons*, 3> rows{ &model_, &mode_, &frontEnd_ };
    const int rowHeight = choices.getHeight() / static_cast<int> (rows.size());
    for (auto* const row : rows)
        row->setBounds (choices.removeFromTop (rowHeight));
    area.removeFromLeft (margin);
    const std::array<Knob*, 4> knobs{ &crossover_, &mix_, &highBandGain_, &outputGain_ };
    const int width = area.getWidth() / static_cast<int> (knobs.size());
    for (auto* const knob : knobs)
        knob->setBounds (area.removeFromLeft (width));
}
