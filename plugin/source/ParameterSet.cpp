#include "ParameterSet.h"

namespace
{
const novasr::Parameters defaults;

/// The built-in models by the names that Python gives them; not a parameter of the core, where it is the engine.
constexpr novasr::ParameterInfo modelInfo{ "model", "Model", "", 0.0f, 1.0f, 0.0f, { "base", "wide" } };

/// Of the parameters that the first version had, and of those added since.
constexpr int firstVersion = 1, secondVersion = 2;

template <typename Parameter, typename... Arguments>
Parameter& add (juce::AudioProcessor& owner, const novasr::ParameterInfo& info, int version, Arguments&&... arguments)
{
    auto parameter = std::make_unique<Parameter> (juce::ParameterID{ info.id, version }, info.name,
                                                  std::forward<Arguments> (arguments)...);
    auto& reference = *parameter;
    owner.addParameter (parameter.release());
    return reference;
}

juce::AudioParameterChoice& addChoice (juce::AudioProcessor& owner, const novasr::ParameterInfo& info,
                                       int version = firstVersion,
                                       const juce::AudioParameterChoiceAttributes& attributes = {})
{
    const juce::StringArray choices (info.choices.data(), static_cast<int> (info.choices.size()));
    return add<juce::AudioParameterChoice> (owner, info, version, choices, static_cast<int> (info.initial), attributes);
}

juce::AudioParameterFloat& addNumber (juce::AudioProcessor& owner, const novasr::ParameterInfo& info, float step,
                                      const juce::AudioParameterFloatAttributes& attributes)
{
    const juce::NormalisableRange<float> range{ info.low, info.high, step };
    return add<juce::AudioParameterFloat> (owner, info, firstVersion, range, info.initial, attributes);
}

juce::AudioParameterFloatAttributes number (const novasr::ParameterInfo& info, int decimals)
{
    return juce::AudioParameterFloatAttributes().withLabel (info.unit).withStringFromValueFunction (
        [decimals] (float value, int) { return juce::String (value, decimals); });
}

juce::AudioParameterFloatAttributes percent()
{
    return juce::AudioParameterFloatAttributes()
        .withStringFromValueFunction ([] (float value, int) { return juce::String (100.0f * value, 1) + " %"; })
        .withValueFromStringFunction ([] (const juce::String& text) { return 0.01f * text.getFloatValue(); });
}

/// A host may set NaN, which would pass any range check, as comparisons with it are false.
float valueOf (const juce::AudioParameterFloat& parameter, float fallback) noexcept
{
    const auto value = parameter.get();
    return std::isfinite (value) ? parameter.range.getRange().clipValue (value) : fallback;
}
} // namespace

ParameterSet::ParameterSet (juce::AudioProcessor& owner)
    : mode (addChoice (owner, novasr::kModeInfo)),
      frontEnd (addChoice (owner, novasr::kFrontEndInfo)),
      crossover (addNumber (owner, novasr::kCrossoverInfo, 1.0f, number (novasr::kCrossoverInfo, 0))),
      mix (addNumber (owner, novasr::kMixInfo, 0.0f, percent())),
      highBandGain (addNumber (owner, novasr::kHighBandGainInfo, 0.0f, number (novasr::kHighBandGainInfo, 1))),
      outputGain (addNumber (owner, novasr::kOutputGainInfo, 0.0f, number (novasr::kOutputGainInfo, 1))),
      bypass (
          add<juce::AudioParameterBool> (owner, novasr::kBypassInfo, firstVersion, novasr::kBypassInfo.initial > 0.5f)),
      model (
          addChoice (owner, modelInfo, secondVersion, juce::AudioParameterChoiceAttributes().withAutomatable (false)))
{
}

novasr::Parameters ParameterSet::snapshot() const noexcept
{
    return { .mode = mode.getIndex() == 0 ? novasr::Mode::extend : novasr::Mode::full,
             .front_end = frontEnd.getIndex() == 0 ? novasr::FrontEnd::clean : novasr::FrontEnd::reference,
             .crossover_hz = valueOf (crossover, defaults.crossover_hz),
             .mix = valueOf (mix, defaults.mix),
             .high_band_gain_db = valueOf (highBandGain, defaults.high_band_gain_db),
             .output_gain_db = valueOf (outputGain, defaults.output_gain_db),
             .bypass = bypass.get() };
}

std::array<juce::RangedAudioParameter*, 8> ParameterSet::all() noexcept
{
    return { &mode, &frontEnd, &crossover, &mix, &highBandGain, &outputGain, &bypass, &model };
}
