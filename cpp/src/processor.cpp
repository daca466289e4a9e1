#include "novasr/processor.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <mutex>
#include <string>
#include <vector>

#include "novasr/blend.hpp"
#include "novasr/chain_plan.hpp"
#include "novasr/errors.hpp"
#include "novasr/flush_denormals.hpp"
#include "novasr/latest_value.hpp"
#include "novasr/parameter_checks.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/ramp.hpp"
#include "novasr/rate_converter.hpp"
#include "novasr/sanitize.hpp"

namespace novasr {
namespace {

/// Longest piece that passes the chain at once, as a part of a second: 31 ms at any rate stays in the second-level
/// cache.
constexpr std::size_t kPiecesPerSecond = 32;

/// Length of every fade between parameters: 10 ms, inaudible as a click, short as a reaction.
constexpr std::size_t kFadesPerSecond = 100;

/// The model's input is limited to +60 dB of full scale: no real signal is touched, no sum overflows.
constexpr float kModelInputLimit = 1'000.0f;

/// Zeros after the end of a stream, so many that the next `outputs` outputs can be computed.
void append_silence(RateConverter& converter, std::size_t outputs) NOVASR_RT {
  std::ranges::fill(converter.append(converter.missing(outputs)), 0.0f);
}

struct Channel {
  RateConverter to_model;
  RateConverter to_output;
  RateConverter dry;
  Blend blend;
};

}  // namespace

struct Processor::Impl {
  explicit Impl(std::unique_ptr<StreamingEngine> e) : engine(std::move(e)) {}

  std::unique_ptr<StreamingEngine> engine;
  ProcessSpec spec;
  ChainPlan plan;
  bool prepared = false;

  // Parameters: written by the control thread, handed over through `inbox`.
  std::mutex control_mutex;
  Parameters parameters;
  bool parameters_chosen = false;  // set_parameters() was called: defaults no longer apply
  HighPassDesigner high_pass_designer;
  LatestValue<Settings> inbox;

  // The stream.
  std::vector<Channel> channels;
  BlendControls controls;
  Ramp front_end;     // 0 = reference, 1 = clean
  bool fresh = true;  // nothing processed since reset(): parameters apply at once
  std::uint64_t model_frames = 0;
  std::atomic<std::uint64_t> input_frames{0};
  std::atomic<std::uint64_t> output_frames{0};
  std::atomic<std::uint64_t> nonfinite_samples{0};

  // Scratch, of one piece.
  std::size_t max_piece = 0;
  PlanarBuffer model_in;
  PlanarBuffer model_out;
  std::vector<float> front_end_fade;
  std::vector<float> other_front_end;
  std::vector<float> dry;
  std::vector<float> wet;

  void prepare_stream();
  void publish(const Parameters& parameters);
  void follow_parameters() NOVASR_RT;
  [[nodiscard]] std::uint64_t outputs_due(std::uint64_t inputs) const NOVASR_RT;
  void take_input(AudioView<const float> in, std::size_t first, std::size_t frames) NOVASR_RT;
  void take_silence(std::size_t frames) NOVASR_RT;
  void run_model(std::size_t frames) NOVASR_RT;
  void render_front_end(const RateConverter& converter, std::span<float> out) NOVASR_RT;
  void append_wet(AudioView<const float> frames) NOVASR_RT;
  void put_out(AudioView<float> out, std::size_t first, std::size_t frames) NOVASR_RT;
  void reset() NOVASR_RT;
};

Processor::Processor(std::unique_ptr<StreamingEngine> engine) : impl_(std::make_unique<Impl>(std::move(engine))) {}
Processor::~Processor() = default;
Processor::Processor(Processor&&) noexcept = default;
Processor& Processor::operator=(Processor&&) noexcept = default;

void Processor::prepare(const ProcessSpec& spec) {
  check_spec(spec);
  Impl& self = *impl_;
  const std::lock_guard lock(self.control_mutex);
  if (!self.parameters_chosen) self.parameters = default_parameters(spec);
  check_parameters(self.parameters, spec.low_latency);
  self.spec = spec;
  self.prepare_stream();
}

void Processor::set_parameters(const Parameters& parameters) {
  Impl& self = *impl_;
  const std::lock_guard lock(self.control_mutex);
  check_parameters(parameters, self.prepared && self.spec.low_latency);
  self.parameters = parameters;
  self.parameters_chosen = true;
  if (self.prepared) self.publish(parameters);
}

void Processor::Impl::prepare_stream() {
  max_piece =
      std::min<std::size_t>(spec.max_block_frames, std::max<std::size_t>(spec.sample_rate_hz / kPiecesPerSecond, 1));
  const std::size_t piece_16k = max_piece * kModelInputHz / spec.sample_rate_hz + 2;
  const std::size_t piece_out = max_piece * spec.output_rate_hz / spec.sample_rate_hz + 2;
  engine->prepare({.channels = spec.channels, .max_block_frames = piece_16k});
  const std::size_t lag = engine->latency_frames();
  plan = plan_chain(spec, lag);

  const RateRatio to_model(spec.sample_rate_hz, kModelInputHz);
  const RateRatio to_output(kModelOutputHz, spec.output_rate_hz);
  const RateRatio across(spec.sample_rate_hz, spec.output_rate_hz);
  const auto delay = static_cast<std::int64_t>(plan.aligned_frames);
  const std::size_t piece_48k = std::max(kUpsampling * piece_16k, lag);
  channels.resize(spec.channels);
  for (Channel& channel : channels) {
    channel.dry.prepare(across, {.left = plan.dry.row_length(),
                                 .right = plan.dry_frames,
                                 .start = -delay * across.in,
                                 .backlog = 0,
                                 .max_append = max_piece});
    channel.blend.prepare(plan.crossover_frames, piece_out);
    if (plan.passthrough) continue;
    channel.to_model.prepare(to_model, {.left = std::max(plan.reference.row_length(), plan.clean.row_length()),
                                        .right = plan.front_end_frames,
                                        .max_append = max_piece});
    // Engine frame i belongs to the time i - lag, so output m - delay is at lag + (m - delay) 48000 / output rate.
    channel.to_output.prepare(to_output,
                              {.left = plan.back_end.row_length(),
                               .right = plan.back_end_frames,
                               .start = static_cast<std::int64_t>(lag) * to_output.out - delay * to_output.in,
                               .backlog = lag,
                               .max_append = piece_48k});
  }
  controls.prepare(piece_out, plan.crossover_frames, plan.crossover_frames > 0);
  model_in.prepare(spec.channels, piece_16k);
  model_out.prepare(spec.channels, piece_48k);
  front_end_fade.assign(piece_16k, 0.0f);
  other_front_end.assign(piece_16k, 0.0f);
  dry.assign(piece_out, 0.0f);
  wet.assign(piece_out, 0.0f);

  if (controls.has_crossover)
    high_pass_designer = HighPassDesigner(plan.crossover_frames, kCrossoverAttenuationDb, spec.output_rate_hz);
  inbox.for_each_slot(
      [&](Settings& slot) { slot.high_pass.assign(controls.has_crossover ? plan.crossover_frames + 1 : 0, 0.0f); });
  prepared = true;
  publish(parameters);
  reset();
}

void Processor::Impl::publish(const Parameters& chosen) {
  Settings& draft = inbox.draft();
  draft.parameters = chosen;
  if (controls.has_crossover) high_pass_designer.design(usable_crossover_hz(chosen, spec), draft.high_pass);
  inbox.publish();
}

void Processor::Impl::follow_parameters() NOVASR_RT {
  if (fresh) {
    inbox.refresh();
    controls.follow(inbox.current(), 0);
    front_end.jump(inbox.current().parameters.front_end == FrontEnd::clean ? 1.0f : 0.0f);
    fresh = false;
  } else if (controls.new_high_pass.ramp.resting() && inbox.refresh()) {  // one change of filter at a time
    controls.follow(inbox.current(), spec.output_rate_hz / kFadesPerSecond);
    front_end.glide(inbox.current().parameters.front_end == FrontEnd::clean ? 1.0f : 0.0f,
                    kModelInputHz / kFadesPerSecond);
  }
}

std::uint64_t Processor::Impl::outputs_due(std::uint64_t inputs) const NOVASR_RT {
  return inputs * spec.output_rate_hz / spec.sample_rate_hz;
}

void Processor::Impl::take_input(AudioView<const float> in, std::size_t first, std::size_t frames) NOVASR_RT {
  std::size_t replaced = 0;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    const std::span<float> dry_in = channels[c].dry.append(frames);
    replaced += copy_finite(in[c].subspan(first, frames), dry_in);
    if (!plan.passthrough) std::ranges::copy(dry_in, channels[c].to_model.append(frames).begin());
  }
  nonfinite_samples.fetch_add(replaced, std::memory_order_relaxed);
  input_frames.fetch_add(frames, std::memory_order_relaxed);
  if (!plan.passthrough) run_model(channels[0].to_model.available());
}

void Processor::Impl::take_silence(std::size_t frames) NOVASR_RT {
  for (Channel& channel : channels) std::ranges::fill(channel.to_model.append(frames), 0.0f);
}

void Processor::Impl::run_model(std::size_t frames) NOVASR_RT {
  if (frames == 0) return;
  front_end.render(std::span(front_end_fade).first(frames));
  for (std::size_t c = 0; c < channels.size(); ++c) {
    render_front_end(channels[c].to_model, model_in.view(frames)[c]);
    channels[c].to_model.advance(frames);
    bound(model_in.view(frames)[c], kModelInputLimit);
  }
  engine->process(model_in.view(frames), model_out.view(kUpsampling * frames));
  append_wet(model_out.view(kUpsampling * frames));
  model_frames += frames;
}

void Processor::Impl::render_front_end(const RateConverter& converter, std::span<float> out) NOVASR_RT {
  if (front_end.rests_at(0.0f)) return converter.render(plan.reference, out);
  converter.render(plan.clean, out);
  if (front_end.rests_at(1.0f)) return;
  const std::span<float> reference = std::span(other_front_end).first(out.size());
  converter.render(plan.reference, reference);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = reference[i] + front_end_fade[i] * (out[i] - reference[i]);
}

void Processor::Impl::append_wet(AudioView<const float> frames) NOVASR_RT {
  for (std::size_t c = 0; c < channels.size(); ++c)
    copy_finite(frames[c], channels[c].to_output.append(frames.frames()));
}

void Processor::Impl::put_out(AudioView<float> out, std::size_t first, std::size_t frames) NOVASR_RT {
  controls.render(frames);
  const std::span<float> dry_now = std::span(dry).first(frames);
  const std::span<float> wet_now = std::span(wet).first(frames);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    Channel& channel = channels[c];
    channel.dry.render(plan.dry, dry_now);
    channel.dry.advance(frames);
    if (!plan.passthrough) {
      channel.to_output.render(plan.back_end, wet_now);
      channel.to_output.advance(frames);
    }
    channel.blend.process(dry_now, plan.passthrough ? dry_now : wet_now, controls, out[c].subspan(first, frames));
  }
  output_frames.fetch_add(frames, std::memory_order_relaxed);
}

void Processor::reset() NOVASR_RT {
  impl_->reset();
}

void Processor::Impl::reset() NOVASR_RT {
  engine->reset();
  for (Channel& channel : channels) {
    channel.to_model.reset();
    channel.to_output.reset();
    channel.dry.reset();
    channel.blend.reset();
  }
  fresh = true;
  model_frames = 0;
  input_frames.store(0, std::memory_order_relaxed);
  output_frames.store(0, std::memory_order_relaxed);
  nonfinite_samples.store(0, std::memory_order_relaxed);
}

std::size_t Processor::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  Impl& self = *impl_;
  assert(self.prepared && in.channels() == self.spec.channels && out.channels() == self.spec.channels);
  assert(in.frames() <= self.spec.max_block_frames && out.frames() >= max_output_frames(in.frames()));
  const FlushDenormals guard;
  std::size_t written = 0;
  for (std::size_t first = 0; first < in.frames();) {
    const std::size_t frames = std::min(self.max_piece, in.frames() - first);
    self.follow_parameters();
    self.take_input(in, first, frames);
    first += frames;
    const std::uint64_t inputs = self.input_frames.load(std::memory_order_relaxed);
    const std::uint64_t outputs = self.output_frames.load(std::memory_order_relaxed);
    const auto due = static_cast<std::size_t>(self.outputs_due(inputs) - outputs);
    self.put_out(out, written, due);
    written += due;
  }
  return written;
}

std::size_t Processor::flush(AudioView<float> out) noexcept {
  Impl& self = *impl_;
  const FlushDenormals guard;
  self.follow_parameters();
  const std::uint64_t inputs = self.input_frames.load(std::memory_order_relaxed);
  const std::uint64_t in_hz = self.spec.sample_rate_hz;
  const std::uint64_t rounded = (2 * inputs * self.spec.output_rate_hz + in_hz) / (2 * in_hz);
  const std::uint64_t model_total = (inputs * kModelInputHz + in_hz - 1) / in_hz;
  const auto total =
      static_cast<std::size_t>(rounded + latency_frames() - self.output_frames.load(std::memory_order_relaxed));
  assert(out.frames() >= total);
  if (!self.plan.passthrough) {
    while (self.model_frames < model_total) {
      self.take_silence(1);
      const std::size_t ready = self.channels[0].to_model.available();
      self.run_model(std::min<std::size_t>(ready, model_total - self.model_frames));
    }
    if (self.model_frames > 0) {
      self.engine->flush(self.model_out.view(self.engine->latency_frames()));
      self.append_wet(self.model_out.view(self.engine->latency_frames()));
    }
  }
  for (std::size_t first = 0; first < total;) {
    const std::size_t frames = std::min(self.wet.size(), total - first);
    for (Channel& channel : self.channels) {
      append_silence(channel.dry, frames);
      if (!self.plan.passthrough) append_silence(channel.to_output, frames);
    }
    self.put_out(out, first, frames);
    first += frames;
  }
  return total;
}

std::size_t Processor::latency_frames() const NOVASR_RT {
  return impl_->plan.latency_frames();
}

std::size_t Processor::max_output_frames(std::size_t input_frames) const NOVASR_RT {
  const ProcessSpec& spec = impl_->spec;
  return (input_frames * spec.output_rate_hz + spec.sample_rate_hz - 1) / spec.sample_rate_hz;
}

ProcessorStats Processor::stats() const NOVASR_RT {
  const Impl& self = *impl_;
  return {.input_frames = self.input_frames.load(std::memory_order_relaxed),
          .output_frames = self.output_frames.load(std::memory_order_relaxed),
          .nonfinite_samples = self.nonfinite_samples.load(std::memory_order_relaxed),
          .passthrough = self.plan.passthrough,
          .engine = self.engine->stats()};
}

}  // namespace novasr
