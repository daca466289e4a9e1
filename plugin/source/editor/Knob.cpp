#include "Knob.h"

#include "Theme.h"

namespace
{
constexpr int nameHeight = 20;
constexpr int valueHeight = 22;
constexpr int widestValue = 84;
constexpr int widestDial = 96;

/// Parses typed values such as a decimal comma, or "7.1k" for 7100.
juce::String plainNumber (const juce::String& typed)
{
    const auto text = typed.trim().replaceCharacter (',', '.');
    return text.containsIgnoreCase ("k") ? juce::String (1000.0 * text.getDoubleValue()) : text;
}
} // namespace

bool Knob::Dial::keyPressed (const juce::KeyPress& key)
{
    const auto target = [&]() -> std::optional<double>
    {
        if (key == juce::KeyPress::upKey || key == juce::KeyPress::rightKey)
            return getValue() + keyStep_;
        if (key == juce::KeyPress::downKey || key == juce::KeyPress::leftKey)
            return getValue() - keyStep_;
        if (key == juce::KeyPress::pageUpKey)
            return getValue() + 10.0 * keyStep_;
        if (key == juce::KeyPress::pageDownKey)
            return getValue() - 10.0 * keyStep_;
        if (key == juce::KeyPress::deleteKey || key == juce::KeyPress::backspaceKey)
            return getDoubleClickReturnValue();
        return {};
    }();
    if (target.has_value())
    {
        const ScopedDragNotification gesture (*this);
        setValue (*target, juce::sendNotificationSync);
        return true;
    }
    if (key != juce::KeyPress::returnKey)
        return false;
    showTextBox();
    return true;
}

void Knob::Dial::mouseDown (const juce::MouseEvent& event)
{
    if (! event.mods.isPopupMenu())
    {
        Slider::mouseDown (event);
        return;
    }
    auto* const editor = findParentComponentOfClass<juce::AudioProcessorEditor>();
    if (const auto* const host = editor != nullptr ? editor->getHostContext() : nullptr)
        if (const auto menu = host->getContextMenuForParameter (&parameter_))
            menu->showNativeMenu (editor->getMouseXYRelative());
}

void Knob::Dial::mouseDrag (const juce::MouseEvent& event)
{
    if (! event.mods.isPopupMenu())
        Slider::mouseDrag (event);
}

Knob::Knob (juce::RangedAudioParameter& parameter, float keyStep, const juce::String& tooltip)
    : dial_ (parameter, keyStep),
      attachment_ (parameter, dial_)
{
    const auto name = parameter.getName (64);
    name_.setText (name, juce::dontSendNotification);
    name_.setFont (textFont());
    name_.setJustificationType (juce::Justification::centred);
    name_.setAccessible (false); // the dial has the same name
    name_.setInterceptsMouseClicks (false, false);
    addAndMakeVisible (name_);

    dial_.setTitle (name);
    dial_.setTooltip (tooltip);
    dial_.setSliderStyle (juce::Slider::RotaryHorizontalVerticalDrag);
    useKeyboard (dial_);
    dial_.valueFromTextFunction = [this, &parameter] (const juce::String& text)
    {
        return text.containsAnyOf ("0123456789")
                   ? static_cast<double> (parameter.convertFrom0to1 (parameter.getValueForText (plainNumber (text))))
                   : dial_.getValue();
    };
    if (parameter.getLabel().isNotEmpty())
        dial_.setTextValueSuffix (" " + parameter.getLabel());
    addAndMakeVisible (dial_);
}

void Knob::resized()
{
    auto area = getLocalBounds();
    name_.setBounds (area.removeFromTop (nameHeight));
    dial_.setTextBoxStyle (juce::Slider::TextBoxBelow, false, juce::jmin (widestValue, area.getWidth()), valueHeight);
    for (auto* const box : dial_.getChildren())
        box->setWantsKeyboardFocus (false); // one Tab stop per parameter; Return opens it
    dial_.setBounds (area.withSizeKeepingCentre (juce::jmin (widestDial, area.getWidth() - 8), area.getHeight()));
}

void Knob::enablementChanged()
{
    name_.setColour (juce::Label::textColourId, isEnabled() ? palette::dimText : palette::disabledText);
    dial_.setEnabled (isEnabled());
}
