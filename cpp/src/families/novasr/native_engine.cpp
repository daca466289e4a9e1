#include "families/novasr/native_engine.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "dsp/flush_denormals.hpp"
#include "families/novasr/fold.hpp"
#include "families/novasr/kernels/table.hpp"
#include "families/novasr/network_stream.hpp"
#include "novasr/errors.hpp"
#include "simd/dispatch.hpp"

namespace novasr {
namespace {

using kernels::kMaxTiles;

constexpr std::size_t kMaxChannels = 1024;

constexpr std::uint32_t kInputHz = 16'000;
constexpr std::uint32_t kOutputHz = kRatio * kInputHz;

EngineFormat format_of(std::size_t points) {
  return {.input_hz = kInputHz,
          .output_hz = kOutputHz,
          .hop_frames = kernels::tile_inputs(points),
          .memory_frames = kMemoryFrames,
          .edge_frames = kEdgeFrames,
          .offset_frames = (kRatio - 1) / 2,
          .band_hz = 0.5 * kInputHz};
}

std::size_t points_of(Tile tile) {
  return tile == Tile::streaming ? kernels::kStreamingPoints : kernels::kOfflinePoints;
}

/// Number of equal inputs after which two channels have the same state: 26 suffice for the streaming tile, 40 offline.
constexpr std::size_t kMatchFrames = 128;

/// One channel: inputs of the incomplete tile, the network, pending outputs.
///
/// The output starts with kRatio (tile - 1) zeros: in the worst case all but one frame of a tile are pending.
class TileBuffer {
 public:
  TileBuffer(std::shared_ptr<const PreparedNetwork> network, const kernels::KernelTable& table)
      : tile_inputs_(kernels::tile_inputs(network->tile.points)),
        stream_(std::move(network), table),
        input_(kMaxTiles * tile_inputs_),
        output_(kRatio * (kMaxTiles + 1) * tile_inputs_ + kernels::kMaxWidth) {}

  void reset() NOVASR_RT {
    stream_.reset();
    waiting_ = 0;
    taken_ = 0;
    matching_ = kMatchFrames;
    ready_ = kRatio * (tile_inputs_ - 1);
    std::ranges::fill(output_, 0.0f);
  }

  /// Whether the state equals that of the first channel, as in a dual-mono recording: the output is then copied, not
  /// computed.
  [[nodiscard]] bool matches_first() const NOVASR_RT { return matching_ >= kMatchFrames; }

  /// Records whether the frames just computed equalled those of the first channel.
  void count_match(bool matches, std::size_t frames) NOVASR_RT { matching_ = matches ? matching_ + frames : 0; }

  /// Continues independently from the state of the first channel.
  void diverge_from(const TileBuffer& first) NOVASR_RT {
    stream_.continue_from(first.stream_);
    std::ranges::copy(first.input_, input_.begin());
    std::ranges::copy(first.output_, output_.begin());
    waiting_ = first.waiting_;
    ready_ = first.ready_;
    taken_ = first.taken_;
    matching_ = 0;
  }

  void process(std::span<const float> in, std::span<float> out, const Workspace& workspace) NOVASR_RT {
    while (!in.empty()) {
      const std::size_t count = std::min(in.size(), next_tiles(in.size()) * tile_inputs_ - waiting_);
      std::ranges::copy(in.first(count), input_.begin() + static_cast<std::ptrdiff_t>(waiting_));
      waiting_ += count;
      taken_ += static_cast<std::int64_t>(count);
      run_tiles(waiting_ / tile_inputs_, NetworkStream::kUnknownLength, workspace);
      deliver(out.first(kRatio * count));
      in = in.subspan(count);
      out = out.subspan(kRatio * count);
    }
  }

  /// kZeros zeros determine every output of the signal.
  void flush(std::span<float> out, const Workspace& workspace) NOVASR_RT {
    constexpr std::size_t kZeros = (kRawLatencyFrames + kRatio - 1) / kRatio;
    const std::size_t tiles = (waiting_ + kZeros + tile_inputs_ - 1) / tile_inputs_;
    std::fill(input_.begin() + static_cast<std::ptrdiff_t>(waiting_), input_.end(), 0.0f);
    waiting_ = tiles * tile_inputs_;
    run_tiles(tiles, taken_, workspace);
    deliver(out);
  }

 private:
  /// Number of tiles to process next, given `frames` new frames: splits a long block into nearly equal parts.
  [[nodiscard]] std::size_t next_tiles(std::size_t frames) const NOVASR_RT {
    const std::size_t tiles = (waiting_ + frames) / tile_inputs_;
    const std::size_t shares = (tiles + kMaxTiles - 1) / kMaxTiles;
    return shares == 0 ? kMaxTiles : (tiles + shares - 1) / shares;
  }

  void run_tiles(std::size_t tiles, std::int64_t total_inputs, const Workspace& workspace) NOVASR_RT {
    if (tiles == 0) return;
    stream_.process_tiles(input_.data(), tiles, total_inputs, workspace, output_.data() + ready_);
    const std::size_t done = tiles * tile_inputs_;
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(done),
              input_.begin() + static_cast<std::ptrdiff_t>(waiting_), input_.begin());
    waiting_ -= done;
    ready_ += kRatio * done;
  }

  void deliver(std::span<float> out) NOVASR_RT {
    assert(out.size() <= ready_);
    std::copy_n(output_.begin(), out.size(), out.begin());
    std::copy(output_.begin() + static_cast<std::ptrdiff_t>(out.size()),
              output_.begin() + static_cast<std::ptrdiff_t>(ready_), output_.begin());
    ready_ -= out.size();
  }

  std::size_t tile_inputs_;
  NetworkStream stream_;
  std::vector<float> input_;
  std::vector<float> output_;
  std::size_t waiting_ = 0;   ///< frames in input_
  std::size_t ready_ = 0;     ///< frames in output_
  std::int64_t taken_ = 0;    ///< inputs of this stream
  std::size_t matching_ = 0;  ///< most recent inputs computed here that equal those of the first channel
};

}  // namespace

struct NativeEngine::Impl {
  std::shared_ptr<const PreparedNetwork> network;
  const kernels::KernelTable& kernels;
  EngineFormat format;
  std::vector<TileBuffer> channels;
  AlignedFloats scratch;  ///< for the offline tile

  /// Calls work(workspace). Streams use the stack, so that the engines of a thread share memory that is in the cache.
  template <typename Work>
  void with_workspace(Work work) NOVASR_RT {
    const std::size_t points = network->tile.points;
    if (points != kernels::kStreamingPoints) return work(Workspace(points, scratch.data()));
    alignas(64) float memory[Workspace::kStackFloats];
    work(Workspace(points, memory));
  }
};

NativeEngine::NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile)
    : NativeEngine(std::move(weights), tile, best_isa()) {}

NativeEngine::NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, Isa isa)
    : NativeEngine(std::move(weights), tile, kernels::table_for(isa)) {}

NativeEngine::NativeEngine(std::shared_ptr<const ModelWeights> weights, Tile tile, const kernels::KernelTable& kernels)
    : impl_(
          std::make_unique<Impl>(Impl{shared_network(weights, points_of(tile), kernels),
                                      kernels,
                                      format_of(points_of(tile)),
                                      {},
                                      AlignedFloats(tile == Tile::streaming ? 0 : Workspace::size(points_of(tile)))})) {
}

NativeEngine::~NativeEngine() = default;

const EngineFormat& NativeEngine::format() const NOVASR_RT {
  return impl_->format;
}

void NativeEngine::prepare(const EngineSpec& spec) {
  if (spec.channels < 1 || spec.channels > kMaxChannels) {
    throw ConfigError("channels is " + std::to_string(spec.channels) + "; it must be 1 .. " +
                      std::to_string(kMaxChannels));
  }
  if (spec.max_block_frames > kMaxBlockFrames) {
    throw ConfigError("max_block_frames is " + std::to_string(spec.max_block_frames) + "; it must be at most " +
                      std::to_string(kMaxBlockFrames));
  }
  std::vector<TileBuffer> channels;
  channels.reserve(spec.channels);
  for (std::size_t c = 0; c < spec.channels; ++c) channels.emplace_back(impl_->network, impl_->kernels);
  impl_->channels = std::move(channels);
  reset();
}

void NativeEngine::reset() NOVASR_RT {
  for (TileBuffer& channel : impl_->channels) channel.reset();
}

void NativeEngine::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  assert(in.channels() == impl_->channels.size() && out.channels() == impl_->channels.size());
  assert(out.frames() == kRatio * in.frames());
  const FlushDenormals flush_denormals;
  auto& channels = impl_->channels;
  const auto like_first = [&](std::size_t c) { return std::ranges::equal(in[c], in[0]); };
  for (std::size_t c = 1; c < channels.size(); ++c)
    if (channels[c].matches_first() && !like_first(c)) channels[c].diverge_from(channels[0]);

  impl_->with_workspace([&](const Workspace& workspace) {
    for (std::size_t c = 0; c < channels.size(); ++c) {
      if (c > 0 && channels[c].matches_first()) {
        std::ranges::copy(out[0], out[c].begin());
        continue;
      }
      channels[c].process(in[c], out[c], workspace);
      if (c > 0) channels[c].count_match(like_first(c), in.frames());
    }
  });
}

void NativeEngine::flush(AudioView<float> out) noexcept {
  auto& channels = impl_->channels;
  assert(out.channels() == channels.size() && out.frames() == latency_frames());
  const FlushDenormals flush_denormals;
  impl_->with_workspace([&](const Workspace& workspace) {
    for (std::size_t c = 0; c < channels.size(); ++c) {
      if (c > 0 && channels[c].matches_first())
        std::ranges::copy(out[0], out[c].begin());
      else
        channels[c].flush(out[c], workspace);
    }
  });
}

std::size_t NativeEngine::latency_frames() const NOVASR_RT {
  return kRawLatencyFrames + kRatio * (kernels::tile_inputs(impl_->network->tile.points) - 1);
}

float NativeEngine::silence_output() const NOVASR_RT {
  return impl_->network->silence.output;
}

}  // namespace novasr
