#pragma once
#include <array>
#include <optional>

#include "SpectrumAnalyser.h"

/// Where the band of a stream ends, by its last 5 to 10 seconds of sound: novasr::band_end_hz() of the average of an
/// analyser's spectra. Coarser than `novasr info`, which measures whole files: the analyser's Hann window makes a band
/// that ends as loud as its peak, and steeply, look up to 0.4 kHz wider, and the channels are averaged before. Of each
/// line the highest powers are left out: a click, or a jump of the transport, fills the whole band for a moment.
class BandMeter
{
public:
    /// Begins anew if the rate is another one.
    void prepare (double sampleRate);

    /// Takes what the analyser's last update has transformed.
    void add (const SpectrumAnalyser& analyser);

    /// In Hz, 0 for silence; nothing before there is enough to tell.
    std::optional<double> bandwidthHz() const;

private:
    static constexpr size_t leftOut = 4; // spectra of up to 120 ms, 30 in a second, that a click is in

    /// The sum of some spectra without the highest powers of each line.
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
    size_t silent_ = 0; // spectra without sound
    Sum previous_;
    Sum current_;
};
