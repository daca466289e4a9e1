#include "SpectrumAnalyser.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace
{
constexpr double windowSeconds = 0.06; // at least; rounded up to a power of two
constexpr double riseSeconds = 0.03;
constexpr double fallSeconds = 0.15;
constexpr double pauseSeconds = 0.25; // without data for this long, the stream counts as stopped

constexpr float silentPower = 1e-16f;
constexpr float loudest = 10.0f; // beyond any display; limits the time of the release

float decibelsOf (float power) { return power > silentPower ? 10.0f * std::log10 (power) : SpectrumAnalyser::silence; }
} // namespace

void SpectrumAnalyser::prepare (double sampleRate)
{
    if (sampleRate == sampleRate_)
        return;
    sampleRate_ = sampleRate;
    transform_.reset();
    transformed_ = false;
    if (sampleRate <= 0.0)
        return;
    const auto size = static_cast<size_t> (juce::nextPowerOfTwo (juce::roundToInt (windowSeconds * sampleRate)));
    const auto padded = 2 * size; // zero padding interpolates the lines: less error for a sine between two of them
    transform_ = std::make_unique<juce::dsp::FFT> (juce::roundToInt (std::log2 (padded)));
    window_.resize (size);
    const auto frames = static_cast<double> (size);
    for (size_t i = 0; i < size;
         ++i) // Hann; it sums to frames / 2, and half of the amplitude of a sine is at its positive frequency
        window_[i] = static_cast<float> (
            2.0 / frames * (1.0 - std::cos (juce::MathConstants<double>::twoPi * static_cast<double> (i) / frames)));
    history_.assign (size, 0.0f);
    position_ = 0;
    target_.assign (2 * padded, 0.0f);
    power_.assign (size + 1, 0.0f);
    decibels_.assign (size + 1, silence);
}

void SpectrumAnalyser::push (std::span<const float> samples)
{
    if (transform_ == nullptr || samples.empty())
        return;
    fresh_ = true;
    for (const float sample : samples.last (std::min (samples.size(), history_.size())))
    {
        history_[position_] = sample;
        position_ = (position_ + 1) % history_.size();
    }
}

bool SpectrumAnalyser::update (double seconds)
{
    if (transform_ == nullptr)
        return false;
    secondsWithout_ = fresh_ ? 0.0 : secondsWithout_ + seconds;
    transformed_ = std::exchange (fresh_, false);
    if (transformed_)
        transformNewest();
    else if (secondsWithout_ < pauseSeconds)
        return false;
    else
        std::fill (target_.begin(), target_.end(), 0.0f);

    const auto rise = static_cast<float> (1.0 - std::exp (-seconds / riseSeconds));
    const auto fall = static_cast<float> (1.0 - std::exp (-seconds / fallSeconds));
    bool changed = false;
    for (size_t line = 0; line < power_.size(); ++line)
    {
        const auto step = target_[line] - power_[line];
        power_[line] += (step > 0.0f ? rise : fall) * step;
        const auto level = decibelsOf (power_[line]);
        changed = changed || level != decibels_[line];
        decibels_[line] = level;
    }
    return changed;
}

void SpectrumAnalyser::transformNewest()
{
    const auto newest = history_.size() - position_;
    std::copy_n (history_.begin() + static_cast<std::ptrdiff_t> (position_), newest, target_.begin());
    std::copy_n (history_.begin(), position_, target_.begin() + static_cast<std::ptrdiff_t> (newest));
    juce::FloatVectorOperations::multiply (target_.data(), window_.data(), static_cast<int> (window_.size()));
    std::fill (target_.begin() + static_cast<std::ptrdiff_t> (window_.size()), target_.end(), 0.0f);
    transform_->performFrequencyOnlyForwardTransform (target_.data(), true);
    for (size_t line = 0; line < power_.size(); ++line)
    {
        const auto magnitude = std::isfinite (target_[line]) ? std::min (target_[line], loudest) : 0.0f;
        target_[line] = magnitude * magnitude;
    }
}

float SpectrumAnalyser::peakBetween (double lowHz, double highHz) const
{
    if (transform_ == nullptr)
        return silence;
    const double low = lowHz / hzPerLine();
    const double high = std::min (highHz / hzPerLine(), static_cast<double> (decibels_.size() - 1));
    if (low > high)
        return silence;
    auto peak = std::max (levelAt (low), levelAt (high));
    for (auto line = static_cast<size_t> (std::ceil (low)); line <= static_cast<size_t> (high); ++line)
        peak = std::max (peak, decibels_[line]);
    return peak;
}

std::span<const float> SpectrumAnalyser::newest() const
{
    return std::span (target_).first (transformed_ ? power_.size() : 0);
}

/// Energy of the window.
double SpectrumAnalyser::noisePower() const { return 6.0 / static_cast<double> (window_.size()); }

double SpectrumAnalyser::hzPerLine() const { return sampleRate_ / static_cast<double> (transform_->getSize()); }

/// Catmull-Rom: linear interpolation would show corners at low frequencies, where the lines are far apart.
float SpectrumAnalyser::levelAt (double line) const
{
    const auto last = static_cast<int> (decibels_.size()) - 1;
    const auto base = static_cast<int> (line);
    const auto t = static_cast<float> (line - base);
    const auto at = [&] (int index) { return decibels_[static_cast<size_t> (juce::jlimit (0, last, index))]; };
    const float a = at (base - 1), b = at (base), c = at (base + 1), d = at (base + 2);
    return b + 0.5f * t * (c - a + t * (2.0f * a - 5.0f * b + 4.0f * c - d + t * (3.0f * (b - c) + d - a)));
}
