#include "BandMeter.h"

#include <algorithm>
#include <utility>

#include "novasr/band_verdict.hpp"

namespace
{
// In spectra; the editor computes 30 per second.
constexpr size_t enough = 60;
constexpr size_t oneSum = 150;
} // namespace

void BandMeter::Sum::add (std::span<const double> power)
{
    if (spectra++ == 0)
    {
        highest.fill (std::vector<double> (power.size()));
        others.assign (power.size(), 0.0);
    }
    for (size_t line = 0; line < power.size(); ++line)
    {
        auto rest = power[line];
        for (auto& high : highest)
            if (rest > high[line])
                std::swap (rest, high[line]);
        others[line] += rest;
    }
}

void BandMeter::prepare (double sampleRate)
{
    if (sampleRate != sampleRate_)
        *this = BandMeter();
    sampleRate_ = sampleRate;
}

void BandMeter::add (const SpectrumAnalyser& analyser)
{
    const auto newest = analyser.newest();
    if (newest.empty())
        return;
    hzPerLine_ = analyser.hzPerLine();
    power_.resize (newest.size());
    std::transform (newest.begin(), newest.end(), power_.begin(),
                    [scale = 1.0 / analyser.noisePower()] (float power) { return scale * power; });
    if (novasr::band_end_hz (power_, hzPerLine_) == 0.0)
    {
        ++silent_;
        return;
    }
    if (current_.spectra == oneSum)
        previous_ = std::exchange (current_, {});
    current_.add (power_);
}

std::optional<double> BandMeter::bandwidthHz() const
{
    const auto heard = previous_.spectra + current_.spectra;
    if ((heard > 0 ? heard : silent_) < enough)
        return std::nullopt;
    std::vector<double> mean (power_.size());
    const auto count = static_cast<double> (previous_.added() + current_.added());
    for (const auto* sum : { &previous_, &current_ })
        for (size_t line = 0; line < sum->others.size(); ++line)
            mean[line] += sum->others[line] / count;
    return novasr::band_end_hz (mean, hzPerLine_);
}
