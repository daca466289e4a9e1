/// Plays muffled speech through the plugin and writes a picture of its editor. Needs no display.
#include <juce_audio_formats/juce_audio_formats.h>
#include <juce_dsp/juce_dsp.h>

#include <iostream>

#include "../source/PluginProcessor.h"
#include "../source/editor/PluginEditor.h"
#include "dsp/fir_design.hpp"

namespace
{
constexpr auto usage = R"(Usage: novasr_plugin_screenshot SPEECH.wav PICTURE.png [options]
  --seconds=S      play so much of the file (default 0.5), after all of it until the editor has judged the input
  --scale=N        pixels per point (default 1)
  --size=WxH       in points (default: what the editor opens with)
  --load=FILE      load weights or a TorchScript
  --bypass --full  turn the bypass on, set the mode to full
  --wide           choose the model wide
  --band=HZ        limit the speech to this band (default 7700)
)";

constexpr double framesPerSecond = 30.0;
constexpr double secondsToVerdict = 6.0; // with pauses in the speech

juce::AudioBuffer<float> readWav (const juce::File& file, double& sampleRate)
{
    const std::unique_ptr<juce::AudioFormatReader> reader (
        juce::WavAudioFormat().createReaderFor (file.createInputStream().release(), true));
    if (reader == nullptr)
        juce::ConsoleApplication::fail (file.getFullPathName() + " is not a WAV file");
    sampleRate = reader->sampleRate;
    juce::AudioBuffer<float> audio (2, static_cast<int> (reader->lengthInSamples));
    reader->read (&audio, 0, audio.getNumSamples(), 0, true, true); // one channel is copied to the other
    return audio;
}

/// Limits the band; by default to that of a 16 kHz recording.
void muffle (juce::AudioBuffer<float>& audio, double sampleRate, double edgeHz)
{
    constexpr double halfSeconds = 0.0075, attenuation = 115.0; // dB, over a transition of 500 Hz
    if (sampleRate <= 16'000.0)
        return;
    const auto half = juce::roundToInt (halfSeconds * sampleRate);
    const auto tap = novasr::KaiserSinc::clean (edgeHz, half, attenuation, sampleRate);
    const juce::dsp::FIR::Coefficients<float>::Ptr filter (
        new juce::dsp::FIR::Coefficients<float> (static_cast<size_t> (2 * half)));
    for (int i = 1; i < 2 * half; ++i)
        filter->getRawCoefficients()[i] = static_cast<float> (tap (i - half));
    for (int channel = 0; channel < audio.getNumChannels(); ++channel)
    {
        juce::dsp::FIR::Filter<float> lowPass (filter);
        for (int i = 0; i < audio.getNumSamples(); ++i)
            audio.setSample (channel, i, lowPass.processSample (audio.getSample (channel, i)));
    }
}

/// Plays and updates the editor as its timer would, but without waiting.
void play (PluginProcessor& processor, PluginEditor& editor, const juce::AudioBuffer<float>& audio, double sampleRate,
           double seconds)
{
    const auto length = juce::jmax (1, audio.getNumSamples());
    const auto rounds = juce::roundToInt (std::ceil (secondsToVerdict * sampleRate / length));
    const auto end = rounds * length + juce::jmin (length, juce::roundToInt (seconds * sampleRate));
    const auto block = juce::roundToInt (sampleRate / framesPerSecond);
    juce::AudioBuffer<float> buffer (audio.getNumChannels(), block);
    processor.setNonRealtime (true); // waits for a TorchScript
    processor.setRateAndBufferSizeDetails (sampleRate, block);
    processor.prepareToPlay (sampleRate, block);
    juce::MidiBuffer midi;
    for (int start = 0; start + block <= end; start += block)
    {
        for (int channel = 0; channel < buffer.getNumChannels(); ++channel)
            for (int i = 0; i < block; ++i)
                buffer.setSample (channel, i, audio.getSample (channel, (start + i) % length));
        processor.processBlock (buffer, midi);
        editor.refresh (1.0 / framesPerSecond);
    }
}

void write (const juce::Image& picture, const juce::File& file)
{
    file.deleteFile();
    juce::FileOutputStream stream (file);
    if (! stream.openedOk() || ! juce::PNGImageFormat().writeImageToStream (picture, stream))
        juce::ConsoleApplication::fail ("cannot write " + file.getFullPathName());
}

void takeScreenshot (const juce::ArgumentList& arguments)
{
    if (arguments.size() < 2)
        juce::ConsoleApplication::fail (usage);
    double sampleRate = 0.0;
    auto audio = readWav (arguments[0].resolveAsExistingFile(), sampleRate);
    const auto option = [&] (const char* name, double standard)
    { return arguments.containsOption (name) ? arguments.getValueForOption (name).getDoubleValue() : standard; };
    muffle (audio, sampleRate, option ("--band", 7'700.0));

    PluginProcessor processor;
    processor.parameters().bypass = arguments.containsOption ("--bypass");
    processor.parameters().model = arguments.containsOption ("--wide") ? 1 : 0;
    processor.parameters().mode = arguments.containsOption ("--full") ? 1 : 0;
    const std::unique_ptr<juce::AudioProcessorEditor> owned (processor.createEditorIfNeeded());
    auto& editor = dynamic_cast<PluginEditor&> (*owned);
    if (const auto size = arguments.getValueForOption ("--size"); size.isNotEmpty())
        editor.setSize (size.upToFirstOccurrenceOf ("x", false, true).getIntValue(),
                        size.fromFirstOccurrenceOf ("x", false, true).getIntValue());
    if (arguments.containsOption ("--load"))
        editor.load (arguments.getFileForOption ("--load"));
    play (processor, editor, audio, sampleRate, option ("--seconds", 0.5));
    write (editor.createComponentSnapshot (editor.getLocalBounds(), true, static_cast<float> (option ("--scale", 1.0))),
           arguments[1].resolveAsFile());
}
} // namespace

int main (int argc, char** argv)
{
    const juce::ScopedJuceInitialiser_GUI juce;
    return juce::ConsoleApplication::invokeCatchingFailures (
        [&]
        {
            takeScreenshot (juce::ArgumentList (argc, argv));
            return 0;
        });
}
