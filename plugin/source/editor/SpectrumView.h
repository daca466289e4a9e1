#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include "../Meters.h"
#include "../ParameterSet.h"
#include "BandMeter.h"
#include "SpectrumAnalyser.h"

/// The spectrum before and after, with the restored band tinted, the band edge of the input, and the verdict on it. The
/// crossover can be dragged; a model that detects the band edge has none.
class SpectrumView final : public juce::Component
{
public:
    SpectrumView (ParameterSet& parameters, Meters& meters);

    /// What the model does.
    struct Restoration
    {
        bool restoring = false; ///< false if nothing is added at this rate
        bool detects = false;   ///< the restored band begins where the input's band ends
        float cutoffHz = 0.0f;  ///< there; 0: not known yet

        bool operator== (const Restoration&) const = default;
    };

    /// Updates with the data from the audio thread.
    void refresh (double secondsSinceLastRefresh, double sampleRate, const Restoration& restoration);

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
        double inputEndHz = 0.0; ///< upper band edge of the input; 0: unknown, silence, or detected by the model
        float crossoverHz = 0.0f;
        bool full = false;
        bool bypassed = false;
        Restoration restoration;

        bool operator== (const Look&) const = default;
        bool restores() const; ///< whether there is a restored band
        float bandHz() const;  ///< its lower edge
    };

    void judgeInput (double sampleRate, const Restoration& restoration);
    juce::Rectangle<float> plot() const;
    float xOf (double hz) const;
    double hzAt (float x) const;
    float yOf (float decibels) const;
    juce::Rectangle<float> grip() const;
    void paintGrip (juce::Graphics& g, const juce::String& text, juce::Colour colour, bool highlighted) const;
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
