#pragma once
#include <juce_gui_basics/juce_gui_basics.h>

#include "../Meters.h"

/// Peak ballistics of a programme meter: immediate attack, slow release, with peak hold.
class PeakFollower
{
public:
    static constexpr float silence = -100.0f; ///< in dB

    /// Updates with the highest magnitude since the last call. Returns false if nothing has changed.
    bool update (float magnitude, double seconds);
    void forgetHighest() { highest_ = silence; }

    float level() const { return level_; }
    float held() const { return held_; }
    float highest() const { return highest_; } ///< since forgetHighest()

private:
    float level_ = silence;
    float held_ = silence;
    float highest_ = silence;
    double holdSeconds_ = 0.0; // left
};

/// Peak levels of input and output with a shared scale; a click resets the maximum values.
class LevelMeters final : public juce::Component, public juce::SettableTooltipClient
{
public:
    explicit LevelMeters (Meters& meters);

    void refresh (double secondsSinceLastRefresh);

    void paint (juce::Graphics& g) override;
    void mouseDown (const juce::MouseEvent&) override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    void paintMeter (juce::Graphics& g, juce::Rectangle<float> area, const char* name, const PeakFollower& peak,
                     juce::Colour colour) const;
    void paintScale (juce::Graphics& g, juce::Rectangle<float> bars) const;

    Meters& meters_;
    PeakFollower input_;
    PeakFollower output_;
};
