#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include "../Meters.h"
#include "../ParameterSet.h"
#include "BandMeter.h"
#include "SpectrumAnalyser.h"

/// The spectrum before and after, with the restored band tinted, the band edge of the input, and the verdict on it. The
/// crossover can be dragged.
class SpectrumView final : public juce::Component
{
public:
    SpectrumView (ParameterSet& parameters, Meters& meters);

    /// Updates with the data from the audio thread. `restoring` is false if nothing is added at this rate.
    void refresh (double secondsSinceLastRefresh, double sampleRate, bool restoring);

    void paint (juce::Graphics& g) override;
    void resized() override;
    void mouseMove (const juce::MouseEvent& event) override;
    void mouseExit (const juce::MouseEvent& event) override;
    void mouseDown (const juce::MouseEvent& event) override;
    void mouseDrag (const juce::MouseEvent& event) override;
    void mouseUp (const juce::MouseEvent& event) override;
    void mouseDoubleClick (const juce::MouseEvent& event) override;
    std::unique_ptr<juce::AccessibilityHandler> createAccessibilityHandler() override;

private:
    /// Everything that the drawing depends on, except the two spectra.
    struct Look
    {
        double highestHz = 24'000.0;
        double inputEndHz = 0.0; ///< upper band edge of the input; 0: unknown or silence
        float crossoverHz = 0.0f;
        bool full = false;
        bool bypassed = false;
        bool restoring = false;

        bool operator== (const Look&) const = default;
        float bandHz() const; ///< lower edge of the restored band
    };

    void judgeInput (double sampleRate, bool restoring);
    juce::Rectangle<float> plot() const;
    float xOf (double hz) const;
    double hzAt (float x) const;
    float yOf (float decibels) const;
    juce::Rectangle<float> grip() const;
    bool crossoverIsAt (juce::Point<float> position) const;
    juce::Path curve (const SpectrumAnalyser& analyser) const;
    void paintGrid (juce::Graphics& g) const;
    void paintCurves (juce::Graphics& g) const;
    void paintBand (juce::Graphics& g) const;
    void paintInputEnd (juce::Graphics& g) const;
    void paintCrossover (juce::Graphics& g) const;
    void paintLegend (juce::Graphics& g) const;

    ParameterSet& parameters_;
    Meters& meters_;
    juce::ParameterAttachment crossover_;
    SpectrumAnalyser before_;
    SpectrumAnalyser after_;
    BandMeter band_;
    juce::Label verdict_;
    double secondsToVerdict_ = 0.0;
    double inputEndHz_ = 0.0;
    Look look_;
    bool hovering_ = false; // over the crossover
    bool dragging_ = false;
};
