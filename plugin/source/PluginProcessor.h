#pragma once
#include <juce_audio_processors/juce_audio_processors.h>

#include "Enhancer.h"
#include "Meters.h"
#include "ModelTimer.h"
#include "ParameterSet.h"
#include "PluginState.h"

/// The plugin's interface to hosts.
class PluginProcessor final : public juce::AudioProcessor
{
public:
    PluginProcessor();
    ~PluginProcessor() override;

    const juce::String getName() const override { return JucePlugin_Name; }
    bool acceptsMidi() const override { return false; }
    bool producesMidi() const override { return false; }
    double getTailLengthSeconds() const override;
    bool isBusesLayoutSupported (const BusesLayout& layout) const override;

    void prepareToPlay (double sampleRate, int maximumBlock) override;
    void releaseResources() override;
    void reset() override;
    void setNonRealtime (bool isNonRealtime) noexcept override;
    using juce::AudioProcessor::processBlock;
    void processBlock (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) override;
    using juce::AudioProcessor::processBlockBypassed;
    void processBlockBypassed (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) override;
    juce::AudioProcessorParameter* getBypassParameter() const override { return &parameters_.bypass; }

    int getNumPrograms() override { return 1; }
    int getCurrentProgram() override { return 0; }
    void setCurrentProgram (int) override {}
    const juce::String getProgramName (int) override { return "Default"; }
    void changeProgramName (int, const juce::String&) override {}
    void getStateInformation (juce::MemoryBlock& destination) override;
    void setStateInformation (const void* data, int size) override;

    bool hasEditor() const override { return true; }
    juce::AudioProcessorEditor* createEditor() override;

    /// [control] Loads the model in the file: .safetensors or .ts. Returns an empty string, or the reason for failure
    /// in one line.
    juce::String loadModel (const juce::File& file);

    /// [control] Back to the built-in weights of the chosen model.
    void resetModel();

    /// [control] Replaces the model if the parameter `model` has chosen another since the last call.
    void followModelParameter();

    ParameterSet& parameters() noexcept { return parameters_; }
    Enhancer& enhancer() noexcept { return *enhancer_; }
    Meters& meters() noexcept { return meters_; }

    /// [any] Width and height of the editor when last open; stored in the session. 0: never opened.
    juce::Point<int> editorSize() const noexcept { return editorSize_; }
    void setEditorSize (juce::Point<int> size) noexcept { editorSize_ = size; }

    /// [control] Why the last state was rejected, its TorchScript cannot run, or the chosen model cannot be used; empty
    /// if there is no problem.
    juce::String stateProblem() const;

private:
    void run (juce::AudioBuffer<float>& buffer, bool bypassed) noexcept;
    juce::String tryModel (const PluginModel& model);
    void restoreModel (PluginModel model);
    void chooseBuiltIn (bool always);
    void showModel();
    void announceModel();
    void noteProblem (const juce::String& problem);
    void noteProblem (const juce::String& problem, const juce::File& missingScript);
    void publishLatency (double sampleRate);

    ParameterSet parameters_;
    const std::shared_ptr<Enhancer> enhancer_ = std::make_shared<Enhancer>();
    Meters meters_;
    juce::CriticalSection modelLock_; // over a change of the model and of the parameter that shows it
    int followedModel_ = 0;           // value of the parameter that has been seen to
    std::shared_ptr<ModelTimer::Target> modelTimer_;
    std::atomic<juce::Point<int>> editorSize_;
    mutable juce::CriticalSection problemLock_;
    juce::String stateProblem_;
    juce::File missingScript_; // cannot be loaded here, but stays in the session
};
