#include "Parameters.h"

namespace
{
const novasr::Parameters defaults;

template <typename Parameter, typename... Arguments>
Parameter& add (juce::AudioProcessor& owner, const char* id, Arguments&&... arguments)
{
    auto parameter = std::make_unique<Parameter> (juce::ParameterID{ id, 1 }, std::forward<Arguments> (arguments)...);
    auto& reference = *parameter;
    owner.addParameter (parameter.release());
    return reference;
}

juce::AudioParameterFloatAttributes number (const char* unit, int decimals)
{
    return juce::AudioParameterFloatAttributes().withLabel (unit).withStringFromValueFunction (
        [decimals] (float value, int) { return juce::String (value, decimals); });
}

juce::AudioParameterFloatAttributes percent()
{
    return juce::AudioParameterFloatAttributes()
        .withStringFromValueFunction ([] (float value, int) { return juce::String (100.0f * value, 1) + " %"; })
        .withValueFromStringFunction ([] (const juce::String& text) { return 0.01f * text.getFloatValue(); });
}

/// A host may set NaN; its comparisons are all false, so that it would pass any limit.
float valueOf (const juce::AudioParameterFloat& parameter, float fallback) noexcept
{
    const auto value = parameter.get();
    return std::isfinite (value) ? parameter.range.getRange().clipValue (value) : fallback;
}
} // namespace

Parameters::Parameters (juce::AudioProcessor& owner)
    : mode (add<juce::AudioParameterChoice> (owner, "mode", "Mode", juce::StringArray{ "extend", "full" }, 0)),
      frontEnd (add<juce::AudioParameterChoice> (owner, "front_end", "Front end",
                                                 juce::StringArray{ "clean", "reference" }, 0)),
      crossover (add<juce::AudioParameterFloat> (owner, "crossover", "Crossover",
                                                 juce::NormalisableRange<float>{ 4000.0f, 8000.0f, 1.0f },
                                                 defaults.crossover_hz, number ("Hz", 0))),
      mix (add<juce::AudioParameterFloat> (owner, "mix", "Mix", juce::NormalisableRange<float>{ 0.0f, 1.0f },
                                           defaults.mix, percent())),
      highBandGain (add<juce::AudioParameterFloat> (owner, "high_band_gain", "High band gain",
                                                    juce::NormalisableRange<float>{ -24.0f, 12.0f },
                                                    defaults.high_band_gain_db, number ("dB", 1))),
      outputGain (add<juce::AudioParameterFloat> (owner, "output_gain", "Output gain",
                                                  juce::NormalisableRange<float>{ -60.0f, 24.0f },
                                                  defaults.output_gain_db, number ("dB", 1))),
      bypass (add<juce::AudioParameterBool> (owner, "bypass", "Bypass", false))
{
}

novasr::Parameters Parameters::snapshot() const noexcept
{
    return { .mode = mode.getIndex() == 0 ? novasr::Mode::extend : novasr::Mode::full,
             .front_end = frontEnd.getIndex() == 0 ? novasr::FrontEnd::clean : novasr::FrontEnd::reference,
             .crossover_hz = valueOf (crossover, defaults.crossover_hz),
             .mix = valueOf (mix, defaults.mix),
             .high_band_gain_db = valueOf (highBandGain, defaults.high_band_gain_db),
             .output_gain_db = valueOf (outputGain, defaults.output_gain_db),
             .bypass = bypass.get() };
}

std::array<juce::RangedAudioParameter*, 7> Parameters::all() noexcept
{
    return { &mode, &frontEnd, &crossover, &mix, &highBandGain, &outputGain, &bypass };
}
