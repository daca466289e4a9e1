#include "Theme.h"

namespace
{
constexpr float cornerSize = 4.0f;
constexpr float disabledAlpha = 0.35f;

/// Start of the coloured arc of a knob: at zero if that is within the range, as for a gain.
double originOf (const juce::Slider& slider)
{
    return slider.getMinimum() < 0.0 && slider.getMaximum() > 0.0 ? 0.0 : slider.getMinimum();
}
} // namespace

juce::Font textFont (float height, bool bold)
{
    return juce::Font (height, bold ? juce::Font::bold : juce::Font::plain);
}

void useKeyboard (juce::Component& control)
{
    control.setWantsKeyboardFocus (true);
    control.setMouseClickGrabsKeyboardFocus (false);
    control.setHasFocusOutline (true);
}

Theme::Theme()
    : LookAndFeel_V4 ({ palette::background, palette::control, palette::panel, palette::outline, palette::text,
                        palette::control, palette::background, palette::output, palette::text })
{
    setColour (juce::TextButton::textColourOnId, palette::background);
    setColour (juce::TextButton::buttonOnColourId, palette::output);
    setColour (juce::Slider::rotarySliderFillColourId, palette::output);
    setColour (juce::Slider::textBoxTextColourId, palette::text);
    setColour (juce::Slider::textBoxBackgroundColourId, palette::background);
    setColour (juce::Slider::textBoxOutlineColourId, palette::outline);
    setColour (juce::Slider::textBoxHighlightColourId, palette::output);
    setColour (juce::TooltipWindow::backgroundColourId, palette::control);
    setColour (juce::TooltipWindow::textColourId, palette::text);
}

void Theme::drawRotarySlider (juce::Graphics& g, int x, int y, int width, int height, float position, float startAngle,
                              float endAngle, juce::Slider& slider)
{
    const auto area = juce::Rectangle<int> (x, y, width, height).toFloat();
    const auto centre = area.getCentre();
    const auto radius = 0.5f * juce::jmin (area.getWidth(), area.getHeight()) - 2.0f;
    const auto angleOf = [&] (double proportion)
    { return startAngle + static_cast<float> (proportion) * (endAngle - startAngle); };
    const float alpha = slider.isEnabled() ? 1.0f : disabledAlpha;
    const juce::PathStrokeType stroke (3.0f, juce::PathStrokeType::curved, juce::PathStrokeType::rounded);

    juce::Path track;
    track.addCentredArc (centre.x, centre.y, radius, radius, 0.0f, startAngle, endAngle, true);
    g.setColour (palette::outline.withMultipliedAlpha (alpha));
    g.strokePath (track, stroke);

    juce::Path value;
    const auto origin = angleOf (slider.valueToProportionOfLength (originOf (slider)));
    value.addCentredArc (centre.x, centre.y, radius, radius, 0.0f, origin, angleOf (position), true);
    g.setColour (slider.findColour (juce::Slider::rotarySliderFillColourId).withMultipliedAlpha (alpha));
    g.strokePath (value, stroke);

    const auto body = juce::Rectangle<float> (2.0f * radius - 12.0f, 2.0f * radius - 12.0f).withCentre (centre);
    const auto lit = slider.isEnabled() && slider.isMouseOverOrDragging();
    g.setColour ((lit ? palette::control.brighter (0.15f) : palette::control).withMultipliedAlpha (alpha));
    g.fillEllipse (body);
    const auto tip = centre.getPointOnCircumference (0.5f * body.getWidth() - 3.0f, angleOf (position));
    const auto foot = centre.getPointOnCircumference (0.2f * body.getWidth(), angleOf (position));
    g.setColour (palette::text.withMultipliedAlpha (alpha));
    g.drawLine ({ foot, tip }, 2.0f);
}

void Theme::drawButtonBackground (juce::Graphics& g, juce::Button& button, const juce::Colour& colour, bool highlighted,
                                  bool down)
{
    const auto area = button.getLocalBounds().toFloat().reduced (0.5f);
    const bool left = ! button.isConnectedOnLeft(), right = ! button.isConnectedOnRight();
    juce::Path shape;
    shape.addRoundedRectangle (area.getX(), area.getY(), area.getWidth(), area.getHeight(), cornerSize, cornerSize,
                               left, right, left, right);
    auto fill = down ? colour.brighter (0.2f) : highlighted ? colour.brighter (0.1f) : colour;
    g.setColour (fill.withMultipliedAlpha (button.isEnabled() ? 1.0f : disabledAlpha));
    g.fillPath (shape);
    g.setColour (palette::outline.withMultipliedAlpha (button.isEnabled() ? 1.0f : disabledAlpha));
    g.strokePath (shape, juce::PathStrokeType (1.0f));
}

void Theme::drawButtonText (juce::Graphics& g, juce::TextButton& button, bool, bool)
{
    g.setFont (getTextButtonFont (button, button.getHeight()));
    g.setColour (! button.isEnabled()
                     ? palette::disabledText
                     : button.findColour (button.getToggleState() ? juce::TextButton::textColourOnId
                                                                  : juce::TextButton::textColourOffId));
    g.drawFittedText (button.getButtonText(), button.getLocalBounds().reduced (4, 0), juce::Justification::centred, 1);
}

juce::Font Theme::getTextButtonFont (juce::TextButton&, int) { return textFont(); }

juce::Label* Theme::createSliderTextBox (juce::Slider& slider)
{
    auto* const box = LookAndFeel_V4::createSliderTextBox (slider);
    box->setFont (textFont());
    box->onEditorHide = [&slider] { slider.grabKeyboardFocus(); };
    return box;
}

void Theme::drawCornerResizer (juce::Graphics& g, int width, int height, bool isMouseOver, bool isMouseDragging)
{
    const auto right = static_cast<float> (width) - 3.0f, bottom = static_cast<float> (height) - 3.0f;
    g.setColour (isMouseOver || isMouseDragging ? palette::text : palette::disabledText);
    for (const float length : { 4.0f, 9.0f })
        g.drawLine (right - length, bottom, right, bottom - length, 1.5f);
}

std::unique_ptr<juce::FocusOutline> Theme::createFocusOutlineForComponent (juce::Component&)
{
    struct Outline final : juce::FocusOutline::OutlineWindowProperties
    {
        juce::Rectangle<int> getOutlineBounds (juce::Component& component) override
        {
            return component.getScreenBounds();
        }
        void drawOutline (juce::Graphics& g, int width, int height) override
        {
            const auto area = juce::Rectangle<int> (width, height).toFloat();
            g.setColour (palette::background); // visible on light controls
            g.drawRoundedRectangle (area.reduced (2.5f), cornerSize, 2.0f);
            g.setColour (palette::text);
            g.drawRoundedRectangle (area.reduced (1.0f), cornerSize, 1.5f);
        }
    };
    return std::make_unique<juce::FocusOutline> (std::make_unique<Outline>());
}
