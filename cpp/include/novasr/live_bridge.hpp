#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/engine.hpp"
#include "novasr/frame_ring.hpp"
#include "novasr/parameters.hpp"
#include "novasr/processor.hpp"
#include "novasr/realtime.hpp"
#include "novasr/signal_tap.hpp"

namespace novasr {

/// The devices that a LiveBridge connects.
struct LiveSpec {
  std::uint32_t input_rate_hz = 48'000;
  std::uint32_t output_rate_hz = 48'000;  ///< with one clock: the input's
  std::size_t input_channels = 1;
  std::size_t output_channels = 1;
  std::size_t block_frames = 128;  ///< of either device's callbacks, about; sets the delay between two clocks
  bool two_clocks = false;         ///< capture() and play() on two threads, instead of duplex()
  bool low_latency = false;
  bool record = false;  ///< fill the recording rings; not below 44.1 kHz
};

/// Counters since the start; levels are those since the last stats().
struct LiveStats {
  std::uint64_t input_blocks = 0;
  std::uint64_t output_blocks = 0;
  std::uint64_t input_frames = 0;
  std::uint64_t output_frames = 0;
  std::uint64_t input_xruns = 0;   ///< the driver reports lost input
  std::uint64_t output_xruns = 0;  ///< the driver reports a gap in the output
  std::uint64_t late_blocks = 0;   ///< took longer to process than they last
  std::uint64_t underruns = 0;     ///< two clocks: the buffer ran empty
  std::uint64_t overruns = 0;      ///< two clocks: captured blocks dropped because the buffer was full
  std::uint64_t resyncs = 0;       ///< two clocks: restarts because the delay was far off
  std::uint64_t record_lost = 0;   ///< frames missing in the recording
  float input_peak = 0.0f;
  float output_peak = 0.0f;
  float load = 0.0f;  ///< time taken / time given of the processing callback, smoothed
  float largest_load = 0.0f;
  double device_seconds = 0.0;   ///< from the input's to the output's buffer, as the driver reports it
  double buffered_frames = 0.0;  ///< two clocks: measured delay between them, in output frames
  double target_frames = 0.0;    ///< two clocks: the delay to keep
  double drift_ppm = 0.0;        ///< two clocks: how much faster the input's clock runs
  ProcessorStats processor;      ///< counters of the whole stream, the rest of the active engine
};

/// The audio threads' side of live use: input device -> Processor -> output device, called by a device driver. Devices
/// with one clock call duplex(). With two, capture() processes and play() resamples, so that the delay between them is
/// constant, however the clocks drift. Another engine takes over as described for ProcessorSwitch.
///
/// Channel mapping: mono in is copied to all outputs, mono out receives the average of the inputs; otherwise channel i
/// maps to i and extra outputs are silent.
class LiveBridge {
 public:
  /// [control] Throws ConfigError or ModelError.
  LiveBridge(std::unique_ptr<StreamingEngine> engine, const LiveSpec& spec);
  ~LiveBridge();
  LiveBridge(const LiveBridge&) = delete;
  LiveBridge& operator=(const LiveBridge&) = delete;

  /// What the driver reports with a block.
  struct Report {
    double device_seconds = 0.0;  ///< from input to output buffer; 0 = unknown
    bool input_xrun = false;
    bool output_xrun = false;
  };

  /// [audio] `frames` frames of interleaved audio; `in` null = silence. Precondition: one clock.
  void duplex(const float* in, float* out, std::size_t frames, const Report& report) NOVASR_RT;

  /// [audio, input thread] `seconds`: of a steady clock, when the callback began. Precondition: two clocks.
  void capture(const float* in, std::size_t frames, double seconds, const Report& report) NOVASR_RT;

  /// [audio, output thread] Likewise, with the same steady clock.
  void play(float* out, std::size_t frames, double seconds, const Report& report) NOVASR_RT;

  /// [control] Takes effect with the next block, with fades of 10 ms. Throws ConfigError if a value is out of range.
  void set_parameters(const Parameters& parameters);

  /// [control] Switches to another engine, with a crossfade; the latency follows. Throws ConfigError or ModelError and
  /// keeps the current one. Until it has taken over, stats() must be called now and then.
  void change_engine(std::unique_ptr<StreamingEngine> engine);

  /// [control] Resets the levels, and frees engines that have been replaced.
  [[nodiscard]] LiveStats stats() noexcept;

  /// [any] In output frames, without the devices: the chain's latency, and the delay to keep between two clocks.
  [[nodiscard]] double latency_frames() const noexcept;

  /// [any] The chain's part of it, in processed frames.
  [[nodiscard]] std::size_t chain_latency_frames() const noexcept;

  /// [any] The chain's latency with the first engine.
  [[nodiscard]] std::size_t recording_latency_frames() const noexcept;

  /// [any] Of the processed audio, and of the recording.
  [[nodiscard]] std::uint32_t processed_rate_hz() const noexcept;
  [[nodiscard]] std::size_t processed_channels() const noexcept;

  /// [one reading thread] For meters: the input at its rate, the output at its own. Their peaks belong to stats().
  [[nodiscard]] SignalTap& before() noexcept;
  [[nodiscard]] SignalTap& after() noexcept;

  /// [one reading thread] With LiveSpec::record: the input and the output of the chain, processed_channels() channels.
  /// The output lags by recording_latency_frames(); where an engine of another latency takes over, as many frames
  /// of one of them as the latencies differ by are left out, and counted as lost.
  [[nodiscard]] FrameRing& recorded_before() noexcept;
  [[nodiscard]] FrameRing& recorded_after() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novasr
