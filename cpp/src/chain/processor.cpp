#include "novasr/processor.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "chain/blend.hpp"
#include "chain/chain.hpp"
#include "chain/parameter_checks.hpp"
#include "concurrency/latest_value.hpp"
#include "concurrency/mutex.hpp"
#include "dsp/fir_design.hpp"
#include "dsp/flush_denormals.hpp"

namespace novasr {

struct Processor::Impl {
  explicit Impl(std::unique_ptr<StreamingEngine> owned) : engine(std::move(owned)), chain(*engine) {}

  std::unique_ptr<StreamingEngine> engine;
  Chain chain;
  ProcessSpec spec;
  bool prepared = false;

  Mutex control_mutex;  // taken by control threads only
  Parameters parameters;
  bool parameters_chosen = false;  // set_parameters() was called: the defaults no longer apply
  HighPassDesigner high_pass;
  LatestValue<Settings> inbox;

  struct Direct {  // audio thread only, set by apply()
    bool in_use = false;
    bool news = false;
    Settings settings;
    HighPassDesigner high_pass;
  } direct;

  void publish();
  void apply_parameters() NOVASR_RT;
};

Processor::Processor(std::unique_ptr<StreamingEngine> engine) : impl_(std::make_unique<Impl>(std::move(engine))) {}
Processor::~Processor() = default;
Processor::Processor(Processor&&) noexcept = default;
Processor& Processor::operator=(Processor&&) noexcept = default;

void Processor::prepare(const ProcessSpec& spec) {
  Impl& self = *impl_;
  check_spec(spec, self.engine->format());
  const std::lock_guard lock(self.control_mutex);
  const Parameters parameters = self.parameters_chosen ? self.parameters : default_parameters(spec);
  check_parameters(parameters, spec.low_latency);
  self.chain.prepare(spec);
  self.spec = spec;
  self.parameters = parameters;
  const ChainPlan& plan = self.chain.plan();
  self.high_pass = HighPassDesigner(plan.crossover_frames, kCrossoverAttenuationDb, spec.output_rate_hz);
  self.inbox.for_each_slot([&](Settings& slot) { slot.high_pass.assign(plan.crossover_frames + 1, 0.0f); });
  self.direct = {.settings = {parameters, std::vector<float>(plan.crossover_frames + 1)}, .high_pass = self.high_pass};
  self.prepared = true;
  self.publish();
}

void Processor::set_parameters(const Parameters& parameters) {
  Impl& self = *impl_;
  const std::lock_guard lock(self.control_mutex);
  check_parameters(parameters, self.prepared && self.spec.low_latency);
  self.parameters = parameters;
  self.parameters_chosen = true;
  if (self.prepared) self.publish();
}

void Processor::Impl::publish() {
  Settings& draft = inbox.draft();
  draft.parameters = parameters;
  high_pass.design(usable_crossover_hz(parameters, spec, engine->format()), draft.high_pass);
  inbox.publish();
}

void Processor::apply(const Parameters& parameters) NOVASR_RT {
  Impl& self = *impl_;
  Impl::Direct& direct = self.direct;
  if (direct.in_use && direct.settings.parameters == parameters) return;
  const bool same_filter = direct.in_use && direct.settings.parameters.crossover_hz == parameters.crossover_hz;
  direct.settings.parameters = parameters;
  if (!same_filter)
    direct.high_pass.design(usable_crossover_hz(parameters, self.spec, self.engine->format()),
                            direct.settings.high_pass);
  direct.in_use = direct.news = true;
}

void Processor::Impl::apply_parameters() NOVASR_RT {
  if (!chain.may_apply()) return;
  const bool news = direct.in_use ? std::exchange(direct.news, false) : inbox.refresh();
  if (news || chain.fresh()) chain.apply(direct.in_use ? direct.settings : inbox.current());
}

void Processor::reset() NOVASR_RT {
  impl_->chain.reset();
}

std::size_t Processor::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  Impl& self = *impl_;
  assert(self.prepared && in.channels() == self.spec.channels && out.channels() == self.spec.channels);
  assert(in.frames() <= self.spec.max_block_frames && out.frames() >= max_output_frames(in.frames()));
  const FlushDenormals guard;
  std::size_t written = 0;
  for (std::size_t first = 0; first < in.frames();) {
    const std::size_t frames = std::min(self.chain.max_piece(), in.frames() - first);
    self.apply_parameters();
    written += self.chain.process(in.subview(first, frames), out.subview(written, out.frames() - written));
    first += frames;
  }
  return written;
}

std::size_t Processor::flush(AudioView<float> out) noexcept {
  const FlushDenormals guard;
  impl_->apply_parameters();
  return impl_->chain.flush(out);
}

std::size_t Processor::latency_frames() const NOVASR_RT {
  return impl_->chain.plan().latency_frames();
}

const EngineFormat& Processor::format() const NOVASR_RT {
  return impl_->engine->format();
}

std::size_t Processor::max_output_frames(std::size_t input_frames) const NOVASR_RT {
  const ProcessSpec& spec = impl_->spec;
  return (input_frames * spec.output_rate_hz + spec.sample_rate_hz - 1) / spec.sample_rate_hz;
}

ProcessorStats Processor::stats() const NOVASR_RT {
  return impl_->chain.stats();
}

std::size_t processing_latency_frames(const ProcessSpec& spec, const EngineFormat& format,
                                      std::size_t engine_latency_frames) {
  return shared_plan(spec, format, engine_latency_frames)->latency_frames();
}

}  // namespace novasr
