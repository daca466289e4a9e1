#include "ChoiceButtons.h"

#include "Theme.h"

namespace
{
constexpr int nameHeight = 20;
constexpr int buttonHeight = 26;
constexpr int radioGroup = 1; // the buttons of one parent
} // namespace

ChoiceButtons::ChoiceButtons (juce::AudioParameterChoice& parameter, const juce::StringArray& tooltips)
    : attachment_ (parameter, [this] (float choice) { show (juce::roundToInt (choice)); })
{
    const auto name = parameter.getName (64);
    setTitle (name);
    setFocusContainerType (FocusContainerType::focusContainer); // one accessibility group, without trapping Tab
    name_.setText (name, juce::dontSendNotification);
    name_.setFont (textFont());
    name_.setColour (juce::Label::textColourId, palette::dimText);
    name_.setBorderSize ({});
    name_.setAccessible (false);
    addAndMakeVisible (name_);

    const auto& choices = parameter.choices;
    for (int choice = 0; choice < choices.size(); ++choice)
    {
        auto& button = *buttons_.emplace_back (std::make_unique<juce::TextButton>());
        button.setButtonText (choices[choice].substring (0, 1).toUpperCase() + choices[choice].substring (1));
        button.setTitle (name + ": " + choices[choice]);
        button.setTooltip (tooltips[choice]);
        button.setRadioGroupId (radioGroup);
        button.setClickingTogglesState (true);
        button.setConnectedEdges ((choice > 0 ? juce::Button::ConnectedOnLeft : 0) |
                                  (choice + 1 < choices.size() ? juce::Button::ConnectedOnRight : 0));
        useKeyboard (button);
        button.onClick = [this, choice, &button]
        {
            if (button.getToggleState())
                attachment_.setValueAsCompleteGesture (static_cast<float> (choice));
        };
        addAndMakeVisible (button);
    }
    attachment_.sendInitialUpdate();
}

void ChoiceButtons::show (int choice)
{
    buttons_[static_cast<size_t> (choice)]->setToggleState (true, juce::dontSendNotification);
}

void ChoiceButtons::resized()
{
    auto area = getLocalBounds();
    name_.setBounds (area.removeFromTop (nameHeight));
    area = area.removeFromTop (buttonHeight);
    const int width = area.getWidth() / static_cast<int> (buttons_.size());
    for (auto& button : buttons_)
        button->setBounds (area.removeFromLeft (width));
}
