#include "chain/chain.hpp"

#include <algorithm>
#include <cassert>

#include "dsp/finite.hpp"

namespace novasr {
namespace {

/// dividend / divisor, rounded like Python's round() and std::nearbyint().
std::uint64_t round_half_to_even(std::uint64_t dividend, std::uint64_t divisor) noexcept {
  const std::uint64_t quotient = dividend / divisor;
  const std::uint64_t twice_rest = 2 * (dividend % divisor);
  return quotient + (twice_rest > divisor || (twice_rest == divisor && quotient % 2 == 1) ? 1 : 0);
}

/// Longest piece that the chain processes at once, as a fraction of a second: 31 ms fits in L2 at any rate.
constexpr std::size_t kPiecesPerSecond = 32;

/// Length of parameter fades: 10 ms, long enough to avoid clicks and short enough to feel immediate.
constexpr std::size_t kFadesPerSecond = 100;

/// Limits the model's input to +60 dBFS: no real signal reaches it, and no sum overflows.
constexpr float kModelInputLimit = 1'000.0f;

/// Likewise for the model's output, of which the notch forms sums: a network's is within 1, a script's may be anything.
constexpr float kWetLimit = 1e30f;

/// After the end of a stream: appends the frames of `level` that the next `outputs` outputs need.
void append_silence(RateConverter& converter, std::size_t outputs, float level = 0.0f) noexcept {
  std::ranges::fill(converter.append(converter.missing(outputs)), level);
}

}  // namespace

void Chain::prepare(const ProcessSpec& spec) {
  spec_ = spec;
  max_piece_ = std::min<std::size_t>(spec.max_block_frames, spec.sample_rate_hz / kPiecesPerSecond);
  const EngineFormat& format = engine_.format();
  const std::size_t piece_in = max_piece_ * format.input_hz / spec.sample_rate_hz + 2;
  const std::size_t piece_out = max_piece_ * spec.output_rate_hz / spec.sample_rate_hz + 2;
  engine_.prepare({.channels = spec.channels,
                   .max_block_frames = piece_in,
                   .source_band_hz = spec.source_band_hz > 0.0 ? spec.source_band_hz : 0.5 * spec.sample_rate_hz});
  plan_ = shared_plan(spec, format, engine_.latency_frames());

  const std::size_t engine_piece = std::max(format.ratio() * piece_in, engine_.latency_frames());
  channels_.resize(spec.channels);
  for (Channel& channel : channels_) prepare_channel(channel, engine_piece, piece_out);
  parameters_.prepare(piece_out, *plan_, spec.output_rate_hz, format.output_hz,
                      plan_->passthrough ? 0.0f : engine_.silence_output());
  clean_share_.prepare(piece_in);
  notch_share_.prepare(engine_piece);
  model_in_.prepare(spec.channels, piece_in);
  model_out_.prepare(spec.channels, engine_piece);
  reference_.assign(piece_in, 0.0f);
  wet_.assign(piece_out, 0.0f);
  reset();
}

void Chain::prepare_channel(Channel& channel, std::size_t engine_piece, std::size_t piece_out) const {
  const EngineFormat& format = engine_.format();
  channel.dry.prepare(spec_, *plan_, max_piece_, piece_out);
  channel.blend.prepare(plan_->crossover_frames, piece_out);
  if (plan_->passthrough) return;
  channel.notch.prepare(format.ratio(), engine_piece);
  channel.to_model.prepare(RateRatio(spec_.sample_rate_hz, format.input_hz),
                           {.left = std::max(plan_->reference.row_length(), plan_->clean.row_length()),
                            .right = plan_->input_resampler_frames,
                            .start = 0,
                            .backlog = 0,
                            .max_append = max_piece_});
  // Engine frame i has the time i - latency, so output m is at latency + (m - delay) engine rate / output rate.
  const RateRatio to_output(format.output_hz, spec_.output_rate_hz);
  const std::size_t latency = plan_->engine_frames;
  const auto delay = static_cast<std::int64_t>(plan_->aligned_frames);
  channel.to_output.prepare(to_output,
                            {.left = plan_->output_resampler.row_length(),
                             .right = plan_->output_resampler_frames,
                             .start = static_cast<std::int64_t>(latency) * to_output.out - delay * to_output.in,
                             .backlog = latency + plan_->edge_frames + format.ratio(),
                             .max_append = engine_piece});
}

void Chain::reset() NOVASR_RT {
  engine_.reset();
  for (Channel& channel : channels_) {
    channel.to_model.reset();
    channel.notch.reset();
    channel.to_output.reset(-parameters_.silence);
    channel.dry.reset();
    channel.blend.reset(parameters_.silence);
  }
  parameters_.reset();
  fresh_ = true;
  model_frames_ = wet_frames_ = 0;
  input_frames_.store(0, std::memory_order_relaxed);
  output_frames_.store(0, std::memory_order_relaxed);
  nonfinite_samples_.store(0, std::memory_order_relaxed);
}

void Chain::apply(const Settings& settings) NOVASR_RT {
  parameters_.apply(settings, fresh_ ? 0 : spec_.output_rate_hz / kFadesPerSecond);
  clean_share_.set_target(settings.parameters.front_end == FrontEnd::clean ? 1.0f : 0.0f,
                          fresh_ ? 0 : format().input_hz / kFadesPerSecond);
  const bool notches = settings.parameters.mode == Mode::extend && format().ratio() > 1;
  notch_share_.set_target(notches ? 1.0f : 0.0f, fresh_ ? 0 : format().output_hz / kFadesPerSecond);
  fresh_ = false;
}

std::size_t Chain::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  take_input(in);
  const std::uint64_t inputs = input_frames_.load(std::memory_order_relaxed);
  const std::uint64_t outputs = output_frames_.load(std::memory_order_relaxed);
  const auto due = static_cast<std::size_t>(inputs * spec_.output_rate_hz / spec_.sample_rate_hz - outputs);
  write_output(out.subview(0, due));
  return due;
}

std::size_t Chain::flush(AudioView<float> out) noexcept {
  const std::uint64_t inputs = input_frames_.load(std::memory_order_relaxed);
  const std::uint64_t in_hz = spec_.sample_rate_hz;
  const std::uint64_t length = round_half_to_even(inputs * spec_.output_rate_hz, in_hz) + plan_->latency_frames();
  const auto pending = static_cast<std::size_t>(length - output_frames_.load(std::memory_order_relaxed));
  assert(out.frames() >= pending);
  if (!plan_->passthrough && inputs > 0) end_model((inputs * format().input_hz + in_hz - 1) / in_hz);
  for (std::size_t first = 0; first < pending;) {
    const std::size_t frames = std::min(wet_.size(), pending - first);
    for (Channel& channel : channels_) {
      channel.dry.append_silence(frames);
      if (!plan_->passthrough) append_silence(channel.to_output, frames, -parameters_.silence);
    }
    write_output(out.subview(first, frames));
    first += frames;
  }
  return pending;
}

ProcessorStats Chain::stats() const NOVASR_RT {
  return {.input_frames = input_frames_.load(std::memory_order_relaxed),
          .output_frames = output_frames_.load(std::memory_order_relaxed),
          .nonfinite_samples = nonfinite_samples_.load(std::memory_order_relaxed),
          .passthrough = plan_->passthrough,
          .engine = engine_.stats()};
}

void Chain::take_input(AudioView<const float> in) NOVASR_RT {
  std::size_t replaced = 0;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const std::span<float> dry_in = channels_[c].dry.append(in.frames());
    replaced += copy_finite(in[c], dry_in);
    if (!plan_->passthrough) std::ranges::copy(dry_in, channels_[c].to_model.append(in.frames()).begin());
  }
  nonfinite_samples_.fetch_add(replaced, std::memory_order_relaxed);
  input_frames_.fetch_add(in.frames(), std::memory_order_relaxed);
  if (!plan_->passthrough) run_model(channels_[0].to_model.available());
}

void Chain::run_model(std::size_t frames) NOVASR_RT {
  if (frames == 0) return;
  const AudioView<float> in = model_in_.view(frames);
  const AudioView<float> out = model_out_.view(format().ratio() * frames);
  clean_share_.render(frames);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    resample_input(channels_[c].to_model, in[c]);
    channels_[c].to_model.advance(frames);
    bound(in[c], kModelInputLimit);
  }
  engine_.process(in, out);
  append_wet(out);
  model_frames_ += frames;
}

/// Feeds zeros to the input resampler until the model has received every frame of a resampled file, then appends the
/// frames pending in the engine. In extend mode more zeros follow, so that the end of the engine's stream (a click,
/// even for silence) stays inaudible.
void Chain::end_model(std::uint64_t total_frames) noexcept {
  const std::size_t ratio = format().ratio();
  if (!parameters_.extend.has_settled_at(0.0f)) total_frames += (plan_->edge_frames + ratio - 1) / ratio;
  while (model_frames_ < total_frames) {
    for (Channel& channel : channels_) append_silence(channel.to_model, 1);
    run_model(1);
  }
  engine_.flush(model_out_.view(plan_->engine_frames));
  append_wet(model_out_.view(plan_->engine_frames));
}

void Chain::resample_input(const RateConverter& converter, std::span<float> out) NOVASR_RT {
  if (clean_share_.rests_at(0.0f)) return converter.render(plan_->reference, out);
  converter.render(plan_->clean, out);
  if (clean_share_.rests_at(1.0f)) return;
  const std::span<float> reference = std::span(reference_).first(out.size());
  converter.render(plan_->reference, reference);
  const float* const share = clean_share_.values();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = reference[i] + share[i] * (out[i] - reference[i]);
}

void Chain::append_wet(AudioView<const float> frames) NOVASR_RT {
  const bool may_notch = format().ratio() > 1 && !spec_.low_latency;
  // What the engine's start puts out is no sound: silence must stay silent.
  const std::uint64_t start = plan_->engine_frames + plan_->edge_frames;
  const auto skipped =
      static_cast<std::size_t>(std::min<std::uint64_t>(start - std::min(start, wet_frames_), frames.frames()));
  wet_frames_ += frames.frames();
  notch_share_.render(frames.frames());
  const float* const share = notch_share_.values();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const std::span<float> wet = channels_[c].to_output.append(frames.frames());
    copy_finite(frames[c], wet);
    for (float& sample : wet) sample -= parameters_.silence;
    if (!may_notch) continue;
    bound(wet, kWetLimit);
    const std::span<const float> lines = channels_[c].notch.lines(wet.subspan(skipped));
    for (std::size_t i = 0; i < lines.size(); ++i) wet[skipped + i] -= share[skipped + i] * lines[i];
  }
}

void Chain::write_output(AudioView<float> out) NOVASR_RT {
  const std::size_t frames = out.frames();
  parameters_.render(frames);
  const std::span<float> wet = std::span(wet_).first(frames);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    const DryPath::Taps dry = channel.dry.advance(plan_->dry, frames);
    if (!plan_->passthrough) {
      channel.to_output.render(plan_->output_resampler, wet);
      channel.to_output.advance(frames);
    }
    channel.blend.process(dry, plan_->passthrough ? dry.before : wet, parameters_, out[c]);
  }
  output_frames_.fetch_add(frames, std::memory_order_relaxed);
}

}  // namespace novasr
