#pragma once
#include <juce_dsp/juce_dsp.h>

#include <span>
#include <vector>

/// Smoothed magnitude spectrum of the last 60 .. 120 ms of a stream, in dBFS: a full-scale sine reads 0 dB, or up to
/// 0.4 dB less between two lines.
class SpectrumAnalyser
{
public:
    static constexpr float silence = -160.0f; ///< reading for digital silence, in dB

    /// Restarts if the rate changes. 0: there is no stream.
    void prepare (double sampleRate);

    /// Appends the next samples of the stream.
    void push (std::span<const float> samples);

    /// Updates the spectrum: fast attack, slow release, and down to silence if the stream has stopped. Returns false if
    /// nothing has changed.
    bool update (double secondsSinceLastUpdate);

    /// Highest level between two frequencies; interpolated between spectral lines.
    float peakBetween (double lowHz, double highHz) const;

    /// Unsmoothed power of each line in the last update; empty if there was no new data.
    std::span<const float> newest() const;

    /// Mean reading of a line of newest() for white noise of mean square 1.
    double noisePower() const;

    double hzPerLine() const;

private:
    void transformNewest();
    float levelAt (double line) const;

    double sampleRate_ = 0.0;
    std::unique_ptr<juce::dsp::FFT> transform_;
    std::vector<float> window_;
    std::vector<float> history_; // the newest samples, oldest at position_
    size_t position_ = 0;
    bool fresh_ = false; // samples have arrived since the last update
    double secondsWithout_ = 0.0;
    std::vector<float> target_; // power of each line, and twice the room that the transform needs
    std::vector<float> power_;  // smoothed
    std::vector<float> decibels_;
    bool transformed_ = false; // the last update computed a transform
};
