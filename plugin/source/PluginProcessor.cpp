#include "PluginProcessor.h"

#include "Collector.h"
#include "WeightsFile.h"
#include "editor/PluginEditor.h"
#include "novasr/errors.hpp"

namespace
{
/// How long the longest filters ring after the last input, in addition to the latency.
constexpr double tailSeconds = 0.02;

novasr::AudioView<const float> viewOf (const juce::AudioBuffer<float>& buffer) noexcept
{
    return { buffer.getArrayOfReadPointers(), static_cast<size_t> (buffer.getNumChannels()),
             static_cast<size_t> (buffer.getNumSamples()) };
}

juce::var valueOf (juce::RangedAudioParameter& parameter)
{
    if (auto* const choice = dynamic_cast<juce::AudioParameterChoice*> (&parameter))
        return choice->getCurrentChoiceName();
    if (auto* const flag = dynamic_cast<juce::AudioParameterBool*> (&parameter))
        return flag->get();
    const auto value = parameter.getValue(); // NaN if a host has set it
    return parameter.convertFrom0to1 (std::isfinite (value) ? value : parameter.getDefaultValue());
}

/// Normalised value to restore, from 0 to 1: the default if the stored value is missing or of another type.
float restored (const juce::RangedAudioParameter& parameter, const juce::var& value)
{
    if (const auto* const choice = dynamic_cast<const juce::AudioParameterChoice*> (&parameter))
    {
        if (const int index = choice->choices.indexOf (value.toString()); index >= 0)
            return choice->convertTo0to1 (static_cast<float> (index));
    }
    else if (value.isBool() || value.isDouble() || value.isInt() || value.isInt64())
    {
        const auto number = static_cast<float> (static_cast<double> (value));
        if (std::isfinite (number))
            return parameter.convertTo0to1 (parameter.getNormalisableRange().getRange().clipValue (number));
    }
    return parameter.getDefaultValue();
}
} // namespace

PluginProcessor::PluginProcessor()
    : AudioProcessor (BusesProperties()
                          .withInput ("Input", juce::AudioChannelSet::stereo(), true)
                          .withOutput ("Output", juce::AudioChannelSet::stereo(), true)),
      parameters_ (*this)
{
    enhancer_->setModel ({});
    publishLatency (getSampleRate());
    modelTimer_ = ModelTimer::start (*this);
}

PluginProcessor::~PluginProcessor()
{
    const juce::ScopedLock lock (modelTimer_->lock);
    modelTimer_->processor = nullptr;
}

double PluginProcessor::getTailLengthSeconds() const { return tailSeconds; }

bool PluginProcessor::isBusesLayoutSupported (const BusesLayout& layout) const
{
    // Some hosts (pedalboard) read the latency after setting rate and buses but before prepareToPlay().
    const_cast<PluginProcessor*> (this)->publishLatency (getSampleRate());
    return layout.getMainInputChannelSet() == layout.getMainOutputChannelSet() &&
           ! layout.getMainInputChannelSet().isDisabled();
}

void PluginProcessor::prepareToPlay (double sampleRate, int)
{
    enhancer_->setOffline (isNonRealtime());
    followModelParameter();
    try
    {
        enhancer_->prepare (sampleRate, getMainBusNumInputChannels());
    }
    catch (const std::exception& error) // a TorchScript that can no longer be loaded
    {
        {
            const juce::ScopedLock lock (modelLock_);
            auto model = enhancer_->model();
            const auto script = std::exchange (model.script, juce::File());
            tryModel (model);
            noteProblem (error.what(), script);
            enhancer_->prepare (sampleRate, getMainBusNumInputChannels());
            showModel();
        }
        announceModel();
    }
    publishLatency (sampleRate);
}

void PluginProcessor::releaseResources() { enhancer_->release(); }

void PluginProcessor::reset() { enhancer_->reset(); }

void PluginProcessor::setNonRealtime (bool isNonRealtime) noexcept
{
    AudioProcessor::setNonRealtime (isNonRealtime);
    enhancer_->setOffline (isNonRealtime);
}

void PluginProcessor::processBlock (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) { run (buffer, false); }

void PluginProcessor::processBlockBypassed (juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) { run (buffer, true); }

void PluginProcessor::run (juce::AudioBuffer<float>& buffer, bool bypassed) noexcept
{
    meters_.load.begin();
    auto parameters = parameters_.snapshot();
    parameters.bypass = parameters.bypass || bypassed;
    const bool watched = meters_.watched.load (std::memory_order_relaxed);
    meters_.before.write (viewOf (buffer), watched);
    enhancer_->process (buffer, parameters);
    meters_.after.write (viewOf (buffer), watched);
    meters_.load.end (buffer.getNumSamples() / std::max (1.0, getSampleRate()));
}

void PluginProcessor::getStateInformation (juce::MemoryBlock& destination)
{
    followModelParameter();
    PluginState state{ .model = enhancer_->model(), .editorSize = editorSize_ };
    {
        const juce::ScopedLock lock (problemLock_);
        state.problem = stateProblem_;
        if (state.model.script == juce::File())
            state.model.script = missingScript_;
    }
    for (auto* const parameter : parameters_.all())
        state.parameters.set (parameter->getParameterID(), valueOf (*parameter));
    state.write (destination);
}

void PluginProcessor::setStateInformation (const void* data, int size)
{
    try
    {
        const auto state = PluginState::read (data, static_cast<size_t> (std::max (0, size)));
        restoreModel (state.model);
        announceModel();
        for (auto* const parameter : parameters_.all())
            if (parameter != &parameters_.model)
                parameter->setValueNotifyingHost (restored (*parameter, state.parameters[parameter->getParameterID()]));
        if (! state.editorSize.isOrigin() && getActiveEditor() == nullptr)
            editorSize_ = state.editorSize;
    }
    catch (const std::exception& error)
    {
        noteProblem (error.what()); // keeps the old state
    }
}

void PluginProcessor::restoreModel (PluginModel model)
{
    const juce::ScopedLock lock (modelLock_);
    const auto problem = tryModel (model);
    juce::File missingScript;
    if (problem.isNotEmpty() && model.script != juce::File()) // its weights can still be used
    {
        missingScript = std::exchange (model.script, juce::File());
        tryModel (model);
    }
    showModel();
    noteProblem (problem, missingScript);
}

void PluginProcessor::noteProblem (const juce::String& problem)
{
    const juce::ScopedLock lock (problemLock_);
    stateProblem_ = problem;
}

void PluginProcessor::noteProblem (const juce::String& problem, const juce::File& missingScript)
{
    const juce::ScopedLock lock (problemLock_);
    stateProblem_ = problem;
    missingScript_ = missingScript;
}

juce::String PluginProcessor::loadModel (const juce::File& file)
{
    const bool isScript = file.hasFileExtension ("ts");
    PluginModel model;
    try
    {
        if (! isScript)
            model = { .model = readWeights (file), .weightsName = file.getFileName() };
    }
    catch (const std::exception& error)
    {
        return file.getFileName() + " " + error.what();
    }
    {
        const juce::ScopedLock lock (modelLock_);
        if (isScript)
        {
            model = enhancer_->model();
            model.script = file;
        }
        if (const auto problem = tryModel (model); problem.isNotEmpty())
            return problem;
        showModel();
        noteProblem ({}, {});
    }
    announceModel();
    return {};
}

void PluginProcessor::resetModel() { chooseBuiltIn (true); }

void PluginProcessor::followModelParameter() { chooseBuiltIn (false); }

/// The built-in model that the parameter chooses: always, or only if it has been changed.
void PluginProcessor::chooseBuiltIn (bool always)
{
    juce::String problem;
    {
        const juce::ScopedLock lock (modelLock_); // a session that is restored meanwhile has the last word
        const int choice = parameters_.model.getIndex();
        const bool changed = std::exchange (followedModel_, choice) != choice && enhancer_->choice() != choice;
        if (! always && ! changed)
            return;
        problem = tryModel (PluginModel::builtIn (choice));
        if (problem.isEmpty())
            noteProblem ({}, {});
        else
        {
            showModel(); // the old one
            noteProblem (problem);
        }
    }
    if (problem.isEmpty())
        publishLatency (getSampleRate());
    else
        announceModel();
}

/// With modelLock_ held, after the model has been replaced; followModelParameter() then finds nothing to do.
void PluginProcessor::showModel()
{
    followedModel_ = enhancer_->choice();
    juce::AudioProcessorParameter& parameter = parameters_.model;
    parameter.setValue (parameters_.model.convertTo0to1 (static_cast<float> (followedModel_)));
}

/// After showModel(), but without modelLock_: the host may wait for a thread that needs it.
void PluginProcessor::announceModel()
{
    juce::AudioProcessorParameter& parameter = parameters_.model;
    parameter.sendValueChangedMessageToListeners (parameter.getValue());
    publishLatency (getSampleRate());
}

juce::String PluginProcessor::stateProblem() const
{
    const juce::ScopedLock lock (problemLock_);
    return stateProblem_;
}

/// With modelLock_ held.
juce::String PluginProcessor::tryModel (const PluginModel& model)
{
    try
    {
        if (enhancer_->setModel (model))
            Collector::start (enhancer_);
    }
    catch (const std::exception& error)
    {
        return error.what();
    }
    return {};
}

void PluginProcessor::publishLatency (double sampleRate)
{
    const double rate = sampleRate > 0.0 ? sampleRate : 48'000.0; // queried before the rate is set
    int latency = 0;
    do
        setLatencySamples (latency = enhancer_->latencyFor (rate));
    while (latency != enhancer_->latencyFor (rate)); // the model has been replaced on another thread
}

juce::AudioProcessorEditor* PluginProcessor::createEditor() { return new PluginEditor (*this); }

juce::AudioProcessor* JUCE_CALLTYPE createPluginFilter() { return new PluginProcessor(); }
