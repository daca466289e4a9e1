#pragma once
#include <juce_dsp/juce_dsp.h>

#include <span>
#include <vector>

/// Smoothed magnitude spectrum of the newest 60 .. 120 ms of a stream, in dBFS: a full-scale sine reads 0 dB, at most
/// 0.4 dB less between two lines.
class SpectrumAnalyser
{
public:
    static constexpr float silence = -160.0f; ///< what digital silence reads, in dB

    /// Begins anew if the rate is another one. 0: there is no stream.
    void prepare (double sampleRate);

    /// Takes the next samples of the stream.
    void push (std::span<const float> samples);

    /// Lets the spectrum follow the stream: fast up, slowly down, and down to silence if the stream has stopped.
    /// Returns false if nothing has changed.
    bool update (double secondsSinceLastUpdate);

    /// Highest level from one frequency to another; between two lines of the spectrum it is interpolated.
    float peakBetween (double lowHz, double highHz) const;

    /// Power of each line of what the last update has transformed, unsmoothed; empty if nothing new had come.
    std::span<const float> newest() const;

    /// What a line of newest() reads on average for white noise of mean square 1.
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
    bool fresh_ = false; // samples have come since the last update
    double secondsWithout_ = 0.0;
    std::vector<float> target_; // power of each line, and twice the room that the transform needs
    std::vector<float> power_;  // smoothed
    std::vector<float> decibels_;
    bool transformed_ = false; // by the last update
};
