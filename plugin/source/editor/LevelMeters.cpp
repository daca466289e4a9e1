#include "LevelMeters.h"

#include <juce_audio_basics/juce_audio_basics.h>

#include <array>

#include "Theme.h"

namespace
{
constexpr float fallDecibelsPerSecond = 24.0f;
constexpr double holdSeconds = 1.5;

constexpr float topDecibels = 6.0f;
constexpr float bottomDecibels = -60.0f;
constexpr std::array<int, 9> scaleDecibels{ 6, 0, -6, -12, -18, -24, -36, -48, -60 };

constexpr float valueHeight = 18.0f;
constexpr float nameHeight = 20.0f;
constexpr float barWidth = 14.0f;
constexpr float labelHeight = 13.0f;

float yOf (float decibels, juce::Rectangle<float> bar)
{
    return juce::jmap (juce::jlimit (bottomDecibels, topDecibels, decibels), topDecibels, bottomDecibels, bar.getY(),
                       bar.getBottom());
}

/// The area between the value above and the name below.
juce::Rectangle<float> barIn (juce::Rectangle<float> area)
{
    return area.withTrimmedTop (valueHeight + 6.0f).withTrimmedBottom (nameHeight);
}
} // namespace

bool PeakFollower::update (float magnitude, double seconds)
{
    const auto before = *this;
    const auto fall = fallDecibelsPerSecond * static_cast<float> (seconds);
    const auto peak = juce::Decibels::gainToDecibels (magnitude, silence);
    level_ = juce::jmax (peak, level_ - fall, silence);
    holdSeconds_ -= seconds;
    if (level_ >= held_)
    {
        held_ = level_;
        holdSeconds_ = holdSeconds;
    }
    else if (holdSeconds_ <= 0.0)
        held_ = juce::jmax (level_, held_ - fall);
    highest_ = juce::jmax (highest_, level_);
    return level_ != before.level_ || held_ != before.held_ || highest_ != before.highest_;
}

LevelMeters::LevelMeters (Meters& meters)
    : meters_ (meters)
{
    setTitle ("Levels");
    setDescription ("Peak levels of the input and the output");
    setTooltip ("Peak levels in dBFS. Click to reset the highest values.");
    meters_.before.take_peak(); // of the time without an editor
    meters_.after.take_peak();
}

void LevelMeters::refresh (double seconds)
{
    const bool inputChanged = input_.update (meters_.before.take_peak(), seconds);
    const bool outputChanged = output_.update (meters_.after.take_peak(), seconds);
    if (inputChanged || outputChanged)
        repaint();
}

void LevelMeters::mouseDown (const juce::MouseEvent&)
{
    input_.forgetHighest();
    output_.forgetHighest();
    repaint();
}

void LevelMeters::paint (juce::Graphics& g)
{
    auto area = getLocalBounds().toFloat();
    const auto third = area.getWidth() / 3.0f;
    const auto left = area.removeFromLeft (third), right = area.removeFromRight (third);
    paintMeter (g, left, "In", input_, palette::input);
    paintMeter (g, right, "Out", output_, palette::output);
    paintScale (g, barIn (area));
}

void LevelMeters::paintMeter (juce::Graphics& g, juce::Rectangle<float> area, const char* name,
                              const PeakFollower& peak, juce::Colour colour) const
{
    const auto bar = barIn (area).withSizeKeepingCentre (barWidth, barIn (area).getHeight());
    g.setColour (palette::plot);
    g.fillRoundedRectangle (bar, 2.0f);
    const auto filled = bar.withTop (yOf (peak.level(), bar));
    g.setColour (colour);
    g.fillRoundedRectangle (filled, 2.0f);
    if (peak.level() > 0.0f)
    {
        g.setColour (palette::error);
        g.fillRoundedRectangle (filled.withBottom (yOf (0.0f, bar)), 2.0f);
    }
    if (peak.held() > bottomDecibels)
    {
        g.setColour (peak.held() > 0.0f ? palette::error : palette::text);
        g.fillRect (bar.withHeight (2.0f).withY (juce::jmin (yOf (peak.held(), bar), bar.getBottom() - 2.0f)));
    }
    g.setColour (palette::outline);
    g.drawRoundedRectangle (bar, 2.0f, 1.0f);

    g.setFont (textFont (12.0f));
    g.setColour (peak.highest() > 0.0f ? palette::error : palette::text);
    g.drawText (peak.highest() > PeakFollower::silence ? juce::String (peak.highest(), 1) : "-inf",
                area.withHeight (valueHeight).expanded (6.0f, 0.0f), juce::Justification::centred, false);
    g.setColour (palette::dimText);
    g.drawText (name, area.withTop (area.getBottom() - nameHeight), juce::Justification::centred, false);
}

void LevelMeters::paintScale (juce::Graphics& g, juce::Rectangle<float> bars) const
{
    g.setFont (textFont (10.0f));
    g.setColour (palette::dimText);
    float free = 0.0f; // next free position, going down
    for (const int decibels : scaleDecibels)
    {
        const auto y = yOf (static_cast<float> (decibels), bars) - 0.5f * labelHeight;
        if (y < free)
            continue;
        free = y + labelHeight;
        g.drawText (juce::String (decibels), bars.withHeight (labelHeight).withY (y), juce::Justification::centred,
                    false);
    }
}

std::unique_ptr<juce::AccessibilityHandler> LevelMeters::createAccessibilityHandler()
{
    return std::make_unique<juce::AccessibilityHandler> (*this, juce::AccessibilityRole::image);
}
