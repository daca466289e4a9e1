#pragma once
#include "../PluginProcessor.h"
#include "ControlPanel.h"
#include "LevelMeters.h"
#include "SpectrumView.h"
#include "StatusBar.h"
#include "Theme.h"

/// The plugin's window.
class PluginEditor final : public juce::AudioProcessorEditor, public juce::FileDragAndDropTarget, private juce::Timer
{
public:
    explicit PluginEditor (PluginProcessor& owner);
    ~PluginEditor() override;

    /// Shows the data from the audio thread since the last call.
    void refresh (double secondsSinceLastRefresh);

    /// Loads the model in the file; the status bar shows errors.
    void load (const juce::File& file);

    void paint (juce::Graphics& g) override;
    void paintOverChildren (juce::Graphics& g) override;
    void resized() override;
    bool keyPressed (const juce::KeyPress& key) override;

    bool isInterestedInFileDrag (const juce::StringArray& files) override;
    void fileDragEnter (const juce::StringArray& files, int x, int y) override;
    void fileDragExit (const juce::StringArray& files) override;
    void filesDropped (const juce::StringArray& files, int x, int y) override;

private:
    void timerCallback() override;
    void chooseFile();
    void resetModel();
    void choosePreset();
    void showStatus();
    StatusBar::Content status() const;

    PluginProcessor& processor_;
    Theme theme_;
    juce::TooltipWindow tooltips_{ this };
    juce::TextButton presets_{ "Presets..." };
    juce::TextButton load_{ "Load weights..." };
    juce::TextButton reset_{ "Reset weights" };
    juce::TextButton bypass_{ "Bypass" };
    juce::ButtonParameterAttachment bypassAttachment_;
    SpectrumView spectrum_;
    LevelMeters levels_;
    ControlPanel controls_;
    StatusBar status_;
    std::unique_ptr<juce::FileChooser> chooser_;
    juce::String loadProblem_;
    juce::String dismissedProblem_;
    bool fileIsOver_ = false;
    double lastRefresh_ = 0.0;
    double secondsToStatus_ = 0.0;
};
