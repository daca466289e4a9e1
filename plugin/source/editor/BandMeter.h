#pragma once
#include <array>
#include <optional>

#include "SpectrumAnalyser.h"

/// Measures the upper band edge of a stream over the last 5 to 10 seconds of audio: novasr::band_end_hz() of the
/// averaged spectra of an analyser. Coarser than `novasr info`, which measures whole files: with the analyser's Hann
/// window, a loud band with a steep edge reads up to 0.4 kHz wider, and the channels are averaged first. The highest
/// powers of each line are excluded, because a click or a transport jump briefly fills the whole band.
class BandMeter
{
public:
    /// Restarts if the rate changes.
    void prepare (double sampleRate);

    /// Adds the last spectrum of the analyser.
    void add (const SpectrumAnalyser& analyser);

    /// In Hz, 0 for silence; empty until there is enough data.
    std::optional<double> bandwidthHz() const;

private:
    static constexpr size_t leftOut = 4; // a click is in this many spectra of up to 120 ms at 30 per second

    /// Sum of spectra, excluding the highest powers of each line.
    struct Sum
    {
        size_t spectra = 0;
        std::array<std::vector<double>, leftOut> highest;
        std::vector<double> others;

        void add (std::span<const double> power);
        size_t added() const { return spectra - std::min (spectra, leftOut); } ///< spectra in `others`
    };

    double sampleRate_ = 0.0;
    double hzPerLine_ = 0.0;
    std::vector<double> power_;
    size_t silent_ = 0; // silent spectra
    Sum previous_;
    Sum current_;
};
