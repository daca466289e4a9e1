#pragma once
#include <juce_gui_basics/juce_gui_basics.h>

/// Text on any of the first three has a contrast of at least 4.5 : 1 (WCAG 2 AA), except on disabled controls.
namespace palette
{
const juce::Colour background{ 0xff14171b };
const juce::Colour plot{ 0xff0e1114 };
const juce::Colour panel{ 0xff1c2127 };
const juce::Colour control{ 0xff2a3038 };
const juce::Colour outline{ 0xff3a424c };
const juce::Colour grid{ 0xff252b32 };
const juce::Colour text{ 0xffe8ebef };
const juce::Colour dimText{ 0xffa3adb8 };
const juce::Colour disabledText{ 0xff6b7580 };
const juce::Colour input{ 0xff8e9aa8 };
const juce::Colour output{ 0xff3fd0b6 };
const juce::Colour warning{ 0xfff0b64a };
const juce::Colour error{ 0xffff8078 };
} // namespace palette

/// Look and feel of the controls.
class Theme final : public juce::LookAndFeel_V4
{
public:
    Theme();

    void drawRotarySlider (juce::Graphics& g, int x, int y, int width, int height, float position, float startAngle,
                           float endAngle, juce::Slider& slider) override;
    void drawButtonBackground (juce::Graphics& g, juce::Button& button, const juce::Colour& colour, bool highlighted,
                               bool down) override;
    void drawButtonText (juce::Graphics& g, juce::TextButton& button, bool highlighted, bool down) override;
    juce::Font getTextButtonFont (juce::TextButton&, int height) override;
    juce::Label* createSliderTextBox (juce::Slider& slider) override;
    void drawCornerResizer (juce::Graphics& g, int width, int height, bool isMouseOver, bool isMouseDragging) override;
    std::unique_ptr<juce::FocusOutline> createFocusOutlineForComponent (juce::Component&) override;
};

/// Makes the control reachable with Tab and shows its focus; a click leaves the keyboard focus with the host.
void useKeyboard (juce::Component& control);

/// The one typeface of the editor.
juce::Font textFont (float height = 13.0f, bool bold = false);
