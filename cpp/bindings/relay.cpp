#include "relay.hpp"

#include <algorithm>
#include <utility>

#include "novasr/errors.hpp"

struct Relay::Recording {
  bool records = false;
  std::vector<std::vector<float>> input;   ///< one per channel, as long as there is room
  std::vector<std::vector<float>> output;  ///< one per channel
  std::size_t taken = 0;                   ///< input frames since the stream began
};

class Relay::RelayEngine final : public novasr::StreamingEngine {
 public:
  RelayEngine(const novasr::EngineFormat& format, std::size_t latency_frames, float silence,
              std::shared_ptr<Recording> recording)
      : format_(format), latency_frames_(latency_frames), silence_(silence), recording_(std::move(recording)) {}

  [[nodiscard]] const novasr::EngineFormat& format() const NOVASR_RT override { return format_; }
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return latency_frames_; }
  [[nodiscard]] float silence_output() const NOVASR_RT override { return silence_; }

  void prepare(const novasr::EngineSpec&) override { reset(); }

  void reset() NOVASR_RT override { recording_->taken = 0; }

  void process(novasr::AudioView<const float> in, novasr::AudioView<float> out) NOVASR_RT override {
    Recording& recording = *recording_;
    if (recording.records) keep(in);
    play(format_.ratio() * recording.taken, out);
    recording.taken += in.frames();
  }

  void flush(novasr::AudioView<float> out) noexcept override { play(format_.ratio() * recording_->taken, out); }

 private:
  void keep(novasr::AudioView<const float> in) NOVASR_RT {
    Recording& recording = *recording_;
    for (std::size_t c = 0; c < std::min(in.channels(), recording.input.size()); ++c) {
      const std::span<float> room(recording.input[c]);
      const std::size_t first = std::min(recording.taken, room.size());
      std::ranges::copy(in[c].first(std::min(in.frames(), room.size() - first)), room.subspan(first).begin());
    }
  }

  /// Writes the output frames from `first` - latency_frames_ on, and 0 where there are none.
  void play(std::size_t first, novasr::AudioView<float> out) NOVASR_RT {
    for (std::size_t c = 0; c < out.channels(); ++c) {
      std::ranges::fill(out[c], 0.0f);
      if (c >= recording_->output.size()) continue;
      const std::span<const float> played(recording_->output[c]);
      const std::size_t before = std::min(latency_frames_ - std::min(latency_frames_, first), out.frames());
      const std::size_t start = std::min(first + before - std::min(latency_frames_, first + before), played.size());
      const std::size_t count = std::min(out.frames() - before, played.size() - start);
      std::ranges::copy(played.subspan(start, count), out[c].subspan(before).begin());
    }
  }

  novasr::EngineFormat format_;
  std::size_t latency_frames_;
  float silence_;
  std::shared_ptr<Recording> recording_;
};

Relay::Relay(const novasr::EngineFormat& format, std::size_t latency_frames, float silence)
    : format_(format), latency_frames_(latency_frames), silence_(silence), recording_(std::make_shared<Recording>()) {}

std::unique_ptr<novasr::StreamingEngine> Relay::engine() const {
  return std::make_unique<RelayEngine>(format_, latency_frames_, silence_, recording_);
}

void Relay::record(std::size_t channels, std::size_t frames) {
  recording_->input.assign(channels, std::vector<float>(frames));
  recording_->output.clear();
  recording_->records = true;
}

void Relay::play(std::vector<std::vector<float>> output) {
  recording_->output = std::move(output);
  recording_->records = false;
}

std::span<const float> Relay::recorded(std::size_t channel) const {
  const std::vector<float>& input = recording_->input.at(channel);
  if (recording_->taken > input.size()) throw novasr::ConfigError("the recording is longer than the room for it");
  return std::span(input).first(recording_->taken);
}

std::size_t Relay::channels() const {
  return recording_->input.size();
}
