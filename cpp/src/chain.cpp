#include "novasr/chain.hpp"

#include <algorithm>
#include <cassert>

#include "novasr/sanitize.hpp"

namespace novasr {
namespace {

/// dividend / divisor, rounded as Python's round() and std::nearbyint() do it.
std::uint64_t round_half_to_even(std::uint64_t dividend, std::uint64_t divisor) noexcept {
  const std::uint64_t quotient = dividend / divisor;
  const std::uint64_t twice_rest = 2 * (dividend % divisor);
  return quotient + (twice_rest > divisor || (twice_rest == divisor && quotient % 2 == 1) ? 1 : 0);
}

/// Longest piece that passes the chain at once, as a part of a second: 31 ms at any rate stays in the second-level
/// cache.
constexpr std::size_t kPiecesPerSecond = 32;

/// Length of every fade between parameters: 10 ms, inaudible as a click, short as a reaction.
constexpr std::size_t kFadesPerSecond = 100;

/// The model's input is limited to +60 dB of full scale: no real signal is touched, no sum overflows.
constexpr float kModelInputLimit = 1'000.0f;

/// After the end of a stream, `level` as often as the next `outputs` outputs ask for.
void append_silence(RateConverter& converter, std::size_t outputs, float level = 0.0f) noexcept {
  std::ranges::fill(converter.append(converter.missing(outputs)), level);
}

}  // namespace

void Chain::prepare(const ProcessSpec& spec) {
  spec_ = spec;
  max_piece_ = std::min<std::size_t>(spec.max_block_frames, spec.sample_rate_hz / kPiecesPerSecond);
  const std::size_t piece_16k = max_piece_ * kModelInputHz / spec.sample_rate_hz + 2;
  const std::size_t piece_out = max_piece_ * spec.output_rate_hz / spec.sample_rate_hz + 2;
  engine_.prepare({.channels = spec.channels, .max_block_frames = piece_16k});
  plan_ = shared_plan(spec, engine_.latency_frames());

  const std::size_t piece_48k = std::max(kUpsampling * piece_16k, engine_.latency_frames());
  channels_.resize(spec.channels);
  for (Channel& channel : channels_) prepare_channel(channel, piece_48k, piece_out);
  controls_.prepare(piece_out, *plan_, spec.output_rate_hz, plan_->passthrough ? 0.0f : engine_.silence_output());
  front_end_.prepare(piece_16k);
  model_in_.prepare(spec.channels, piece_16k);
  model_out_.prepare(spec.channels, piece_48k);
  other_front_end_.assign(piece_16k, 0.0f);
  dry_.assign(piece_out, 0.0f);
  wet_.assign(piece_out, 0.0f);
  reset();
}

void Chain::prepare_channel(Channel& channel, std::size_t piece_48k, std::size_t piece_out) const {
  const auto delay = static_cast<std::int64_t>(plan_->aligned_frames);
  const RateRatio across(spec_.sample_rate_hz, spec_.output_rate_hz);
  channel.dry.prepare(across, {.left = plan_->dry.row_length(),
                               .right = plan_->dry_frames,
                               .start = -delay * across.in,
                               .backlog = 0,
                               .max_append = max_piece_});
  channel.blend.prepare(plan_->crossover_frames, piece_out);
  if (plan_->passthrough) return;
  channel.to_model.prepare(RateRatio(spec_.sample_rate_hz, kModelInputHz),
                           {.left = std::max(plan_->reference.row_length(), plan_->clean.row_length()),
                            .right = plan_->front_end_frames,
                            .start = 0,
                            .backlog = 0,
                            .max_append = max_piece_});
  // Engine frame i belongs to the time i - lag, so output m is at lag + (m - delay) 48000 / output rate.
  const RateRatio to_output(kModelOutputHz, spec_.output_rate_hz);
  const std::size_t lag = plan_->engine_frames;
  channel.to_output.prepare(to_output, {.left = plan_->back_end.row_length(),
                                        .right = plan_->back_end_frames,
                                        .start = static_cast<std::int64_t>(lag) * to_output.out - delay * to_output.in,
                                        .backlog = lag + plan_->edge_frames + kUpsampling,
                                        .max_append = piece_48k});
}

void Chain::reset() NOVASR_RT {
  engine_.reset();
  for (Channel& channel : channels_) {
    channel.to_model.reset();
    channel.to_output.reset(-controls_.silence);
    channel.dry.reset();
    channel.blend.reset(controls_.silence);
  }
  controls_.reset();
  fresh_ = true;
  model_frames_ = 0;
  input_frames_.store(0, std::memory_order_relaxed);
  output_frames_.store(0, std::memory_order_relaxed);
  nonfinite_samples_.store(0, std::memory_order_relaxed);
}

void Chain::follow(const Settings& settings) NOVASR_RT {
  controls_.follow(settings, fresh_ ? 0 : spec_.output_rate_hz / kFadesPerSecond);
  front_end_.head_for(settings.parameters.front_end == FrontEnd::clean ? 1.0f : 0.0f,
                      fresh_ ? 0 : kModelInputHz / kFadesPerSecond);
  fresh_ = false;
}

std::size_t Chain::process(AudioView<const float> in, std::size_t first, std::size_t frames, AudioView<float> out,
                           std::size_t out_first) NOVASR_RT {
  take_input(in, first, frames);
  const std::uint64_t inputs = input_frames_.load(std::memory_order_relaxed);
  const std::uint64_t outputs = output_frames_.load(std::memory_order_relaxed);
  const auto due = static_cast<std::size_t>(inputs * spec_.output_rate_hz / spec_.sample_rate_hz - outputs);
  put_out(out, out_first, due);
  return due;
}

std::size_t Chain::flush(AudioView<float> out) noexcept {
  const std::uint64_t inputs = input_frames_.load(std::memory_order_relaxed);
  const std::uint64_t in_hz = spec_.sample_rate_hz;
  const std::uint64_t length = round_half_to_even(inputs * spec_.output_rate_hz, in_hz) + plan_->latency_frames();
  const auto owed = static_cast<std::size_t>(length - output_frames_.load(std::memory_order_relaxed));
  assert(out.frames() >= owed);
  if (!plan_->passthrough && inputs > 0) end_model((inputs * kModelInputHz + in_hz - 1) / in_hz);
  for (std::size_t first = 0; first < owed;) {
    const std::size_t frames = std::min(wet_.size(), owed - first);
    for (Channel& channel : channels_) {
      append_silence(channel.dry, frames);
      if (!plan_->passthrough) append_silence(channel.to_output, frames, -controls_.silence);
    }
    put_out(out, first, frames);
    first += frames;
  }
  return owed;
}

ProcessorStats Chain::stats() const NOVASR_RT {
  return {.input_frames = input_frames_.load(std::memory_order_relaxed),
          .output_frames = output_frames_.load(std::memory_order_relaxed),
          .nonfinite_samples = nonfinite_samples_.load(std::memory_order_relaxed),
          .passthrough = plan_->passthrough,
          .engine = engine_.stats()};
}

void Chain::take_input(AudioView<const float> in, std::size_t first, std::size_t frames) NOVASR_RT {
  std::size_t replaced = 0;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const std::span<float> dry_in = channels_[c].dry.append(frames);
    replaced += copy_finite(in[c].subspan(first, frames), dry_in);
    if (!plan_->passthrough) std::ranges::copy(dry_in, channels_[c].to_model.append(frames).begin());
  }
  nonfinite_samples_.fetch_add(replaced, std::memory_order_relaxed);
  input_frames_.fetch_add(frames, std::memory_order_relaxed);
  if (!plan_->passthrough) run_model(channels_[0].to_model.available());
}

void Chain::run_model(std::size_t frames) NOVASR_RT {
  if (frames == 0) return;
  const AudioView<float> in = model_in_.view(frames);
  const AudioView<float> out = model_out_.view(kUpsampling * frames);
  front_end_.render(frames);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    render_front_end(channels_[c].to_model, in[c]);
    channels_[c].to_model.advance(frames);
    bound(in[c], kModelInputLimit);
  }
  engine_.process(in, out);
  append_wet(out);
  model_frames_ += frames;
}

/// Zeros into the front end until the model has had all the frames of a resampled file, then what the engine still
/// owes. In extend mode so many more that the network's end, a click also for silence, is not heard.
void Chain::end_model(std::uint64_t total_frames) noexcept {
  if (!controls_.extend.has_settled_at(0.0f)) total_frames += (plan_->edge_frames + kUpsampling - 1) / kUpsampling;
  while (model_frames_ < total_frames) {
    for (Channel& channel : channels_) append_silence(channel.to_model, 1);
    run_model(1);
  }
  engine_.flush(model_out_.view(plan_->engine_frames));
  append_wet(model_out_.view(plan_->engine_frames));
}

void Chain::render_front_end(const RateConverter& converter, std::span<float> out) NOVASR_RT {
  if (front_end_.rests_at(0.0f)) return converter.render(plan_->reference, out);
  converter.render(plan_->clean, out);
  if (front_end_.rests_at(1.0f)) return;
  const std::span<float> reference = std::span(other_front_end_).first(out.size());
  converter.render(plan_->reference, reference);
  const float* const clean_share = front_end_.values();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = reference[i] + clean_share[i] * (out[i] - reference[i]);
}

void Chain::append_wet(AudioView<const float> frames) NOVASR_RT {
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const std::span<float> wet = channels_[c].to_output.append(frames.frames());
    copy_finite(frames[c], wet);
    for (float& sample : wet) sample -= controls_.silence;
  }
}

void Chain::put_out(AudioView<float> out, std::size_t first, std::size_t frames) NOVASR_RT {
  controls_.render(frames);
  const std::span<float> dry = std::span(dry_).first(frames);
  const std::span<float> wet = std::span(wet_).first(frames);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    channel.dry.render(plan_->dry, dry);
    channel.dry.advance(frames);
    if (!plan_->passthrough) {
      channel.to_output.render(plan_->back_end, wet);
      channel.to_output.advance(frames);
    }
    channel.blend.process(dry, plan_->passthrough ? dry : wet, controls_, out[c].subspan(first, frames));
  }
  output_frames_.fetch_add(frames, std::memory_order_relaxed);
}

}  // namespace novasr
