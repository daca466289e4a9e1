#include "SpectrumView.h"

#include <array>
#include <cmath>
#include <utility>

#include "Theme.h"
#include "novasr/band_verdict.hpp"

namespace
{
constexpr double lowestHz = 20.0;
constexpr double highestHz = 24'000.0;
constexpr float topDecibels = 3.0f;
constexpr float bottomDecibels = -114.0f;
constexpr float decibelStep = 20.0f;
constexpr float lowestDecibelLabel = -100.0f;

/// Lower edge of the restored band in Mode::full: the Nyquist frequency of a 16 kHz recording.
constexpr float fullBandHz = 8'000.0f;

constexpr float leftMargin = 38.0f;
constexpr float scaleHeight = 20.0f; // of the frequency labels
constexpr int verdictHeight = 18;
constexpr float topMargin = 8.0f;      // half a label
constexpr float captionHeight = 30.0f; // strip above the scale, for the legend and the crossover's handle
constexpr float hidden = 8.0f;         // a stroke this far outside the plot is invisible
constexpr float gripReach = 7.0f;
constexpr float cornerSize = 6.0f;
constexpr std::array<float, 2> dashes{ 4.0f, 4.0f };

constexpr double verdictSeconds = 1.0; // text that changes more often is unreadable

constexpr std::array<float, 10> labelledHz{ 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 20'000 };

juce::String shortHz (float hz) { return hz < 1'000.0f ? juce::String (hz, 0) : juce::String (hz / 1'000.0f, 0) + "k"; }

void feed (novasr::SignalTap& tap, SpectrumAnalyser& analyser)
{
    std::array<float, 2048> chunk;
    while (const auto count = tap.read (chunk))
        analyser.push (std::span (chunk).first (count));
}
} // namespace

bool SpectrumView::Look::restores() const
{
    const bool edgeIsKnown = restoration.cutoffHz > 0.0f && restoration.cutoffHz < novasr::kLeastFullBandHz;
    return restoration.restoring && (! restoration.detects || edgeIsKnown);
}

float SpectrumView::Look::bandHz() const
{
    if (restoration.detects)
        return restoration.cutoffHz;
    return full ? fullBandHz : crossoverHz;
}

SpectrumView::SpectrumView (ParameterSet& parameters, Meters& meters)
    : parameters_ (parameters),
      meters_ (meters),
      crossover_ (parameters.crossover, [] (float) {})
{
    setTitle ("Spectrum");
    setDescription ("Level over frequency, before and after");
    verdict_.setTitle ("Input");
    verdict_.setFont (textFont (12.0f));
    verdict_.setBorderSize ({});
    verdict_.setMinimumHorizontalScale (1.0f);
    verdict_.setInterceptsMouseClicks (false, false);
    addAndMakeVisible (verdict_);
    for (auto* const tap : { &meters_.before, &meters_.after })
        feed (*tap, before_); // not prepared yet: discards pending data of an earlier editor
}

void SpectrumView::refresh (double seconds, double sampleRate, const Restoration& restoration)
{
    before_.prepare (sampleRate);
    after_.prepare (sampleRate);
    feed (meters_.before, before_);
    feed (meters_.after, after_);
    const bool beforeChanged = before_.update (seconds);
    const bool afterChanged = after_.update (seconds);
    band_.prepare (sampleRate);
    band_.add (before_);
    secondsToVerdict_ -= seconds;
    if (secondsToVerdict_ <= 0.0 || restoration.restoring != look_.restoration.restoring ||
        restoration.detects != look_.restoration.detects)
        judgeInput (sampleRate, restoration);
    const Look look{ .highestHz = sampleRate > 0.0 ? std::min (highestHz, 0.5 * sampleRate) : highestHz,
                     .inputEndHz = inputEndHz_,
                     .crossoverHz = parameters_.snapshot().crossover_hz,
                     .full = parameters_.mode.getIndex() != 0,
                     .bypassed = parameters_.bypass.get(),
                     .restoration = restoration };
    if (beforeChanged || afterChanged || look != look_)
        repaint();
    look_ = look;
}

/// No verdict if nothing can be restored: the status bar shows why.
void SpectrumView::judgeInput (double sampleRate, const Restoration& restoration)
{
    using Kind = novasr::BandVerdict::Kind;
    secondsToVerdict_ = verdictSeconds;
    auto bandwidth = restoration.restoring ? band_.bandwidthHz() : std::nullopt;
    inputEndHz_ = restoration.detects ? 0.0 : bandwidth.value_or (0.0);
    if (restoration.detects && bandwidth && *bandwidth > 0.0) // the verdict is on what the model has detected
        bandwidth = restoration.cutoffHz > 0.0f
                        ? std::optional (std::min<double> (restoration.cutoffHz, 0.5 * sampleRate))
                        : std::nullopt;
    juce::String text (restoration.restoring ? "listening..." : "");
    auto colour = palette::dimText;
    if (bandwidth)
    {
        const auto verdict = novasr::judge_band (*bandwidth, sampleRate, restoration.detects);
        text = verdict.text;
        if (verdict.kind != Kind::silent)
            colour = verdict.kind == Kind::extend ? palette::text : palette::warning;
    }
    verdict_.setText (text.isEmpty() ? text : "Input: " + text, juce::dontSendNotification);
    verdict_.setColour (juce::Label::textColourId, colour);
}

void SpectrumView::resized()
{
    verdict_.setBounds (
        getLocalBounds().removeFromBottom (verdictHeight).withTrimmedLeft (static_cast<int> (leftMargin)));
}

juce::Rectangle<float> SpectrumView::plot() const
{
    return getLocalBounds()
        .toFloat()
        .withTrimmedLeft (leftMargin)
        .withTrimmedBottom (scaleHeight + verdictHeight)
        .withTrimmedTop (topMargin);
}

float SpectrumView::xOf (double hz) const
{
    const auto area = plot();
    return area.getX() +
           area.getWidth() * static_cast<float> (std::log (hz / lowestHz) / std::log (look_.highestHz / lowestHz));
}

double SpectrumView::hzAt (float x) const
{
    const auto area = plot();
    return lowestHz * std::pow (look_.highestHz / lowestHz, static_cast<double> ((x - area.getX()) / area.getWidth()));
}

float SpectrumView::yOf (float decibels) const
{
    const auto area = plot();
    return juce::jmap (decibels, topDecibels, bottomDecibels, area.getY() + captionHeight, area.getBottom());
}

juce::Rectangle<float> SpectrumView::grip() const
{
    const auto caption = plot().withHeight (captionHeight).reduced (2.0f);
    return juce::Rectangle<float> (64.0f, 20.0f)
        .withCentre ({ xOf (look_.bandHz()), caption.getCentreY() })
        .constrainedWithin (caption);
}

bool SpectrumView::crossoverIsAt (juce::Point<float> position) const
{
    if (! look_.restores() || look_.restoration.detects || look_.full || ! plot().contains (position))
        return false;
    return grip().contains (position) || std::abs (position.x - xOf (look_.crossoverHz)) <= gripReach;
}

void SpectrumView::paint (juce::Graphics& g)
{
    const auto area = plot();
    g.setColour (palette::plot);
    g.fillRoundedRectangle (area, cornerSize);
    paintGrid (g);
    {
        const juce::Graphics::ScopedSaveState state (g);
        g.reduceClipRegion (area.toNearestInt());
        if (look_.restores() && ! look_.bypassed)
            paintBand (g);
        paintCurves (g);
        paintInputEnd (g);
        if (look_.restores())
            paintCrossover (g);
    }
    paintLegend (g);
    g.setColour (palette::outline);
    g.drawRoundedRectangle (area, cornerSize, 1.0f);
}

void SpectrumView::paintGrid (juce::Graphics& g) const
{
    const auto area = plot();
    g.setFont (textFont (11.0f));
    for (float decade = 10.0f; decade < look_.highestHz; decade *= 10.0f)
        for (int digit = 1; digit <= 9; ++digit)
            if (const float hz = decade * static_cast<float> (digit); hz > lowestHz && hz < look_.highestHz)
            {
                g.setColour (digit == 1 ? palette::grid.brighter (0.25f) : palette::grid);
                g.drawVerticalLine (juce::roundToInt (xOf (hz)), area.getY(), area.getBottom());
            }
    g.setColour (palette::dimText);
    for (const float hz : labelledHz)
        if (hz <= look_.highestHz)
            g.drawText (hz == labelledHz.front() ? "20 Hz" : shortHz (hz),
                        juce::Rectangle<float> (34.0f, scaleHeight)
                            .withCentre ({ xOf (hz), area.getBottom() + 0.5f * scaleHeight })
                            .constrainedWithin (getLocalBounds().toFloat().expanded (6.0f, 0.0f)),
                        juce::Justification::centred, false);

    for (float decibels = 0.0f; decibels >= lowestDecibelLabel; decibels -= decibelStep)
    {
        const auto y = yOf (decibels);
        g.setColour (decibels == 0.0f ? palette::grid.brighter (0.25f) : palette::grid);
        g.drawHorizontalLine (juce::roundToInt (y), area.getX(), area.getRight());
        g.setColour (palette::dimText);
        g.drawText (decibels == 0.0f ? "0 dB" : juce::String (juce::roundToInt (decibels)),
                    juce::Rectangle<float> (0.0f, y - 8.0f, leftMargin - 6.0f, 16.0f),
                    juce::Justification::centredRight, false);
    }
}

juce::Path SpectrumView::curve (const SpectrumAnalyser& analyser) const
{
    const auto area = plot();
    juce::Path path;
    path.preallocateSpace (3 * static_cast<int> (area.getWidth()) + 16);
    path.startNewSubPath (area.getX() - hidden, area.getBottom() + hidden); // closes below the visible area
    for (float x = area.getX(); x <= area.getRight(); x += 1.0f)
        path.lineTo (
            x, std::min (yOf (analyser.peakBetween (hzAt (x - 0.5f), hzAt (x + 0.5f))), area.getBottom() + hidden));
    path.lineTo (area.getRight() + hidden, area.getBottom() + hidden);
    return path;
}

void SpectrumView::paintCurves (juce::Graphics& g) const
{
    const float alpha = look_.bypassed ? 0.3f : 1.0f;
    const auto before = curve (before_);
    const auto after = curve (after_);
    g.setColour (palette::input.withAlpha (0.28f * alpha));
    g.fillPath (before);
    if (look_.restores() && ! look_.bypassed)
    {
        const juce::Graphics::ScopedSaveState state (g);
        g.reduceClipRegion (plot().withLeft (xOf (look_.bandHz())).toNearestInt());
        g.setColour (palette::output.withAlpha (0.3f));
        g.fillPath (after);
    }
    g.setColour (palette::input.withMultipliedAlpha (alpha));
    g.strokePath (before, juce::PathStrokeType (1.2f));
    g.setColour (palette::output.withMultipliedAlpha (alpha));
    g.strokePath (after, juce::PathStrokeType (1.6f));
}

void SpectrumView::paintBand (juce::Graphics& g) const
{
    const auto band = plot().withLeft (xOf (look_.bandHz()));
    g.setColour (palette::output.withAlpha (0.1f));
    g.fillRect (band);
    const bool hasGrip = look_.restoration.detects || ! look_.full;
    const auto label = band.withLeft (hasGrip ? grip().getRight() : band.getX()).withHeight (captionHeight);
    const juce::String text = "restored";
    const auto font = textFont (12.0f);
    if (label.getWidth() < font.getStringWidthFloat (text))
        return;
    g.setColour (palette::output);
    g.setFont (font);
    g.drawText (text, label, juce::Justification::centred, false);
}

void SpectrumView::paintInputEnd (juce::Graphics& g) const
{
    if (look_.inputEndHz <= 0.0 || look_.inputEndHz >= look_.highestHz)
        return;
    const auto x = xOf (look_.inputEndHz);
    g.setColour (palette::input);
    g.drawDashedLine ({ x, plot().getY() + captionHeight, x, plot().getBottom() }, dashes.data(),
                      static_cast<int> (dashes.size()));
}

void SpectrumView::paintCrossover (juce::Graphics& g) const
{
    const auto area = plot();
    const auto x = xOf (look_.bandHz());
    const auto colour = look_.bypassed ? palette::outline : palette::output;
    g.setColour (colour);
    if (look_.restoration.detects || look_.full)
    {
        g.drawDashedLine ({ x, area.getY(), x, area.getBottom() }, dashes.data(), static_cast<int> (dashes.size()));
        if (look_.restoration.detects)
            paintGrip (g, juce::String (0.001f * look_.bandHz(), 1) + " kHz", colour, false);
        return;
    }
    const bool highlighted = hovering_ || dragging_;
    g.drawLine (x, area.getY(), x, area.getBottom(), highlighted ? 2.0f : 1.2f);
    paintGrip (g, juce::String (look_.crossoverHz, 0) + " Hz", colour, highlighted);
}

void SpectrumView::paintGrip (juce::Graphics& g, const juce::String& text, juce::Colour colour, bool highlighted) const
{
    g.setColour (highlighted ? colour : palette::control);
    g.fillRoundedRectangle (grip(), 0.5f * grip().getHeight());
    g.setColour (colour);
    g.drawRoundedRectangle (grip(), 0.5f * grip().getHeight(), 1.2f);
    g.setColour (highlighted ? palette::background : palette::text);
    g.setFont (textFont (12.0f));
    g.drawText (text, grip(), juce::Justification::centred, false);
}

void SpectrumView::paintLegend (juce::Graphics& g) const
{
    const auto area = plot();
    g.setFont (textFont (12.0f));
    float x = area.getX() + 12.0f;
    for (const auto& [name, colour] : { std::pair ("Input", palette::input), std::pair ("Output", palette::output) })
    {
        const auto y = area.getY() + 0.5f * captionHeight;
        g.setColour (colour);
        g.drawLine (x, y, x + 14.0f, y, 3.0f);
        g.setColour (palette::text);
        g.drawText (name, juce::Rectangle<float> (x + 20.0f, y - 8.0f, 50.0f, 16.0f), juce::Justification::centredLeft,
                    false);
        x += 74.0f;
    }
    if (look_.bypassed)
    {
        g.setColour (palette::plot.withAlpha (0.85f));
        g.fillRoundedRectangle (juce::Rectangle<float> (160.0f, 44.0f).withCentre (area.getCentre()), cornerSize);
        g.setColour (palette::warning);
        g.setFont (textFont (24.0f, true));
        g.drawText ("Bypassed", area, juce::Justification::centred, false);
    }
}

void SpectrumView::mouseMove (const juce::MouseEvent& event)
{
    const bool hovering = crossoverIsAt (event.position);
    if (hovering == hovering_)
        return;
    hovering_ = hovering;
    setMouseCursor (hovering ? juce::MouseCursor::LeftRightResizeCursor : juce::MouseCursor::NormalCursor);
    repaint();
}

void SpectrumView::mouseExit (const juce::MouseEvent&)
{
    hovering_ = false;
    repaint();
}

void SpectrumView::mouseDown (const juce::MouseEvent& event)
{
    dragging_ = crossoverIsAt (event.position) && ! event.mods.isPopupMenu();
    if (dragging_)
        crossover_.beginGesture();
}

void SpectrumView::mouseDrag (const juce::MouseEvent& event)
{
    if (! dragging_)
        return;
    const auto range = parameters_.crossover.range.getRange();
    crossover_.setValueAsPartOfGesture (range.clipValue (static_cast<float> (hzAt (event.position.x))));
}

void SpectrumView::mouseUp (const juce::MouseEvent&)
{
    if (std::exchange (dragging_, false))
        crossover_.endGesture();
    repaint();
}

void SpectrumView::mouseDoubleClick (const juce::MouseEvent& event)
{
    auto& parameter = parameters_.crossover;
    if (crossoverIsAt (event.position))
        crossover_.setValueAsCompleteGesture (
            parameter.convertFrom0to1 (static_cast<juce::AudioProcessorParameter&> (parameter).getDefaultValue()));
}

std::unique_ptr<juce::AccessibilityHandler> SpectrumView::createAccessibilityHandler()
{
    return std::make_unique<juce::AccessibilityHandler> (*this, juce::AccessibilityRole::image);
}
