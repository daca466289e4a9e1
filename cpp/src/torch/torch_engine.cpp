#include <ATen/Parallel.h>
#include <omp.h>
#include <torch/script.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <sstream>
#include <string>

#include "factory.hpp"
#include "novasr/errors.hpp"

namespace novasr {
namespace {

/// Sets OpenMP's thread count, which is local to the calling thread: at::set_num_threads would also change the user's
/// torch.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) {
    at::get_num_threads();  // the first call in a thread sets the count: call it before setting ours
    before_ = omp_get_max_threads();
    omp_set_num_threads(threads);
  }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_ = 1;
};

/// The settings for a call into LibTorch: no autograd, our thread count, and no profiling executor, which would
/// recompile (for up to a second) for every new block size.
struct CallScope {
  explicit CallScope(int threads) : thread_count(threads) {}
  c10::InferenceMode inference;
  torch::jit::GraphOptimizerEnabledGuard optimizer{false};
  ThreadCount thread_count;
};

/// Shortens LibTorch's messages, which contain source excerpts and backtraces; an exception raised in a script has its
/// own message on the last line.
std::string in_one_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error ? torch_error->what_without_backtrace() : error.what();
  text.erase(text.find_last_not_of("\n ") + 1);
  const bool from_script = text.find("TorchScript interpreter") != std::string::npos;
  return from_script ? text.substr(text.rfind('\n') + 1) : text.substr(0, text.find('\n'));
}

using Metadata = c10::Dict<c10::IValue, c10::IValue>;

constexpr std::int64_t kLowestHz = 8'000, kHighestHz = 192'000;
constexpr std::int64_t kEdgeFrames = 83;  // of the NovaSR network, whose early scripts did not state it

std::int64_t metadata_value(const Metadata& metadata, const char* name) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) throw ModelError(std::string("the TorchScript metadata has no '") + name + "'");
  return found->value().toInt();
}

/// For values that are missing in scripts of earlier versions.
std::int64_t metadata_value_or(const Metadata& metadata, const char* name, std::int64_t fallback) {
  return metadata.find(name) == metadata.end() ? fallback : metadata_value(metadata, name);
}

EngineFormat format_of(const Metadata& metadata) {
  const auto input_hz = metadata_value(metadata, "input_rate");
  const auto output_hz = metadata_value(metadata, "output_rate");
  if (input_hz < kLowestHz || output_hz > kHighestHz || output_hz % input_hz != 0)
    throw ModelError("the TorchScript metadata says " + std::to_string(input_hz) + " to " + std::to_string(output_hz) +
                     " Hz: the output rate must be a multiple of the input rate, both from " +
                     std::to_string(kLowestHz) + " to " + std::to_string(kHighestHz) + " Hz");
  const auto frames = [&](const char* name, std::int64_t fallback) {
    const auto value = metadata_value_or(metadata, name, fallback);
    if (value < 0 || value > kHighestHz)
      throw ModelError(std::string("the TorchScript metadata is out of range: ") + name + " is " +
                       std::to_string(value));
    return static_cast<std::size_t>(value);
  };
  return {.input_hz = static_cast<std::uint32_t>(input_hz),
          .output_hz = static_cast<std::uint32_t>(output_hz),
          .memory_frames = frames("memory", 0),
          .edge_frames = frames("edge", kEdgeFrames),
          .offset_frames = frames("offset", (output_hz / input_hz - 1) / 2),
          .band_hz = static_cast<double>(frames("band", input_hz / 2)),
          .linked_channels = metadata_value_or(metadata, "linked_channels", 0) != 0,
          .adds_to_input = metadata_value_or(metadata, "adds_to_input", 0) != 0};
}

class TorchEngine final : public StreamingEngine {
 public:
  TorchEngine(const char* torchscript, std::size_t size, int threads) : threads_(threads) {
    const CallScope scope(threads_);
    std::istringstream stream(std::string(torchscript, size));
    script_ = torch::jit::load(stream, torch::kCPU);
    script_.eval();
    for (const char* method : {"metadata", "initial_state", "flush"})
      if (!script_.find_method(method))
        throw ModelError(std::string("the TorchScript has no method '") + method +
                         "': make it with `novasr export`, or see docs/torchscript.md");
    const auto metadata = script_.run_method("metadata").toGenericDict();
    format_ = format_of(metadata);
    look_ahead_ = metadata_value(metadata, "look_ahead");
    hop_ = metadata_value(metadata, "hop");
    if (look_ahead_ < 0 || look_ahead_ > format_.output_hz || hop_ < 1 || hop_ > format_.input_hz)
      throw ModelError("the TorchScript metadata is out of range: look_ahead and hop are frames, at most one second");
    format_.hop_frames = static_cast<std::size_t>(hop_);
  }

  [[nodiscard]] const EngineFormat& format() const noexcept override { return format_; }

  void prepare(const EngineSpec& spec) override {
    if (spec.channels == 0) throw ConfigError("channels must be at least 1");
    const CallScope scope(threads_);
    try {
      channels_ = static_cast<std::int64_t>(spec.channels);
      fresh_state_ = initial_state(spec.source_band_hz);
      fresh_output_ = torch::zeros({channels_, 1, static_cast<std::int64_t>(latency_frames())});
      restart();
      // LibTorch's first calls are slow: run them here, on a typical block size.
      const auto warm_up = torch::zeros({channels_, 1, std::max<std::int64_t>(hop_, 480 / hop_ * hop_)});
      for (int call = 0; call < 3; ++call) advance(warm_up);
      script_.run_method("flush", state_);
      restart();
    } catch (const std::exception& error) {
      throw ModelError("the TorchScript does not run: " + in_one_line(error));
    }
  }

  void reset() noexcept override { restart(); }

  void process(AudioView<const float> in, AudioView<float> out) noexcept override {
    if (in.frames() == 0) return;
    attempt(out, [&] {
      auto block = torch::empty({channels_, 1, static_cast<std::int64_t>(in.frames())});
      for (std::size_t c = 0; c < in.channels(); ++c) std::ranges::copy(in[c], frames_of(block, c));
      advance(hop_ == 1 ? block : take_whole_hops(block));
    });
  }

  void flush(AudioView<float> out) noexcept override {
    attempt(out, [&] {
      if (const auto held = held_.defined() ? held_.size(-1) : 0; held > 0)
        advance(torch::constant_pad_nd(held_, {0, hop_ - held}));
      const auto tail = script_.run_method("flush", state_).toTensor();
      ready_ = torch::constant_pad_nd(torch::cat({ready_, tail}, -1), {0, static_cast<std::int64_t>(latency_frames())});
    });
  }

  [[nodiscard]] std::size_t latency_frames() const noexcept override {
    return static_cast<std::size_t>(look_ahead_ + static_cast<std::int64_t>(format_.ratio()) * (hop_ - 1));
  }

  [[nodiscard]] EngineStats stats() const noexcept override {
    return {.failed_blocks = failed_blocks_.load(std::memory_order_relaxed)};
  }

 private:
  static float* frames_of(const torch::Tensor& audio, std::size_t channel) {
    return audio.mutable_data_ptr<float>() + static_cast<std::int64_t>(channel) * audio.size(-1);
  }

  /// A script that takes it is told where the source's band ends, as far as is known; 0 if unknown.
  [[nodiscard]] torch::IValue initial_state(double source_band_hz) {
    const auto& arguments = script_.get_method("initial_state").function().getSchema().arguments();
    constexpr std::size_t kSelfAndBatch = 2;
    if (arguments.size() == kSelfAndBatch) return script_.run_method("initial_state", channels_);
    return script_.run_method("initial_state", channels_, source_band_hz);
  }

  void restart() noexcept {
    state_ = fresh_state_;
    ready_ = fresh_output_;
    held_ = torch::Tensor();
    failed_ = false;
    failed_blocks_.store(0, std::memory_order_relaxed);
  }

  torch::Tensor take_whole_hops(torch::Tensor block) {
    if (held_.defined()) block = torch::cat({held_, block}, -1);
    const auto whole = block.size(-1) / hop_ * hop_;
    held_ = block.slice(-1, whole);
    return block.slice(-1, 0, whole);
  }

  void advance(const torch::Tensor& block) {
    if (block.size(-1) == 0) return;
    const auto result = script_.forward({block, state_}).toTuple();
    ready_ = torch::cat({ready_, result->elements()[0].toTensor()}, -1);
    state_ = result->elements()[1];
  }

  /// Runs `produce`, then outputs the frames that are ready. After a failure the stream stays silent until reset(),
  /// because its alignment is lost.
  template <typename Produce>
  void attempt(AudioView<float> out, Produce produce) noexcept {
    const auto frames = static_cast<std::int64_t>(out.frames());
    if (!failed_) {
      try {
        const CallScope scope(threads_);
        produce();
        if (ready_.size(-1) < frames) throw ModelError("the model returned fewer frames than its metadata promises");
        const auto now = ready_.slice(-1, 0, frames).contiguous();
        for (std::size_t c = 0; c < out.channels(); ++c) std::copy_n(frames_of(now, c), out.frames(), out[c].data());
        ready_ = ready_.slice(-1, frames).contiguous();
        return;
      } catch (...) {
        failed_ = true;
      }
    }
    failed_blocks_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t c = 0; c < out.channels(); ++c) std::ranges::fill(out[c], 0.0f);
  }

  int threads_;
  torch::jit::Module script_;
  EngineFormat format_;
  std::int64_t look_ahead_ = 0;
  std::int64_t hop_ = 1;
  std::int64_t channels_ = 0;

  c10::IValue fresh_state_;
  torch::Tensor fresh_output_;

  c10::IValue state_;
  torch::Tensor held_;   // input of an incomplete hop
  torch::Tensor ready_;  // pending output; initially the zeros of the latency
  bool failed_ = false;
  std::atomic<std::uint64_t> failed_blocks_{0};  // a counter; orders nothing
};

}  // namespace

extern "C" __attribute__((visibility("default"))) StreamingEngine* novasr_make_torch_engine_3(const char* torchscript,
                                                                                              std::size_t size,
                                                                                              int threads, char* error,
                                                                                              std::size_t error_size) {
  const auto fail = [&](const char* message) {
    std::snprintf(error, error_size, "%s", message);
    return nullptr;
  };
  try {
    return new TorchEngine(torchscript, size, threads);
  } catch (const ModelError& e) {
    return fail(e.what());
  } catch (const std::exception& e) {
    return fail(("not a TorchScript file: " + in_one_line(e)).c_str());
  }
}

}  // namespace novasr
