#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(NOVASR_HAVE_SPEEXDSP)
#  include <speex/speex_resampler.h>
#endif
#if defined(NOVASR_HAVE_SAMPLERATE)
#  include <samplerate.h>
#endif
#if defined(NOVASR_HAVE_SOXR)
#  include <soxr.h>
#endif

#include "chain/chain_plan.hpp"
#include "dsp/rate_converter.hpp"
#include "novasr/model.hpp"

/// Resamples one channel, block by block; returns the number of frames written.
using Resampler = std::function<std::size_t(std::span<const float> in, std::span<float> out)>;

struct Candidate {
  std::string name;
  std::function<Resampler(std::uint32_t in_hz, std::uint32_t out_hz)> make;
};

/// Our filter for this pair of rates.
inline novasr::PolyphaseKernel own_kernel(std::uint32_t in_hz, std::uint32_t out_hz) {
  const auto engine = novasr::default_model()->make_engine();
  const novasr::EngineFormat& format = engine->format();
  const std::uint32_t host_hz = in_hz == format.output_hz && out_hz != format.input_hz ? out_hz : in_hz;
  const auto plan =
      novasr::plan_chain({.sample_rate_hz = host_hz, .output_rate_hz = host_hz}, format, engine->latency_frames());
  return out_hz == format.input_hz ? plan.clean : plan.output_resampler;
}

inline Resampler make_own(std::uint32_t in_hz, std::uint32_t out_hz) {
  auto kernel = std::make_shared<novasr::PolyphaseKernel>(own_kernel(in_hz, out_hz));
  auto converter = std::make_shared<novasr::RateConverter>();
  converter->prepare(novasr::RateRatio(in_hz, out_hz),
                     {.left = kernel->row_length(), .right = kernel->right(), .max_append = 8'192});
  return [=](std::span<const float> in, std::span<float> out) {
    std::copy(in.begin(), in.end(), converter->append(in.size()).begin());
    const std::size_t frames = converter->available();
    converter->render(*kernel, out.first(frames));
    converter->advance(frames);
    return frames;
  };
}

#if defined(NOVASR_HAVE_SPEEXDSP)
inline Resampler make_speex(std::uint32_t in_hz, std::uint32_t out_hz, int quality) {
  int error = 0;
  const std::shared_ptr<SpeexResamplerState> state(speex_resampler_init(1, in_hz, out_hz, quality, &error),
                                                   speex_resampler_destroy);
  return [=](std::span<const float> in, std::span<float> out) {
    auto taken = static_cast<spx_uint32_t>(in.size());
    auto written = static_cast<spx_uint32_t>(out.size());
    speex_resampler_process_float(state.get(), 0, in.data(), &taken, out.data(), &written);
    if (taken != in.size()) throw std::runtime_error("speexdsp left input behind");
    return static_cast<std::size_t>(written);
  };
}
#endif

#if defined(NOVASR_HAVE_SAMPLERATE)
inline Resampler make_samplerate(std::uint32_t in_hz, std::uint32_t out_hz, int kind) {
  int error = 0;
  const std::shared_ptr<SRC_STATE> state(src_new(kind, 1, &error), src_delete);
  return [=](std::span<const float> in, std::span<float> out) {
    SRC_DATA data{};
    data.data_in = in.data();
    data.input_frames = static_cast<long>(in.size());
    data.data_out = out.data();
    data.output_frames = static_cast<long>(out.size());
    data.src_ratio = static_cast<double>(out_hz) / in_hz;
    src_process(state.get(), &data);
    if (data.input_frames_used != data.input_frames) throw std::runtime_error("libsamplerate left input behind");
    return static_cast<std::size_t>(data.output_frames_gen);
  };
}
#endif

#if defined(NOVASR_HAVE_SOXR)
inline Resampler make_soxr(std::uint32_t in_hz, std::uint32_t out_hz, unsigned long recipe) {
  const soxr_quality_spec_t quality = soxr_quality_spec(recipe, 0);
  const std::shared_ptr<soxr> state(soxr_create(in_hz, out_hz, 1, nullptr, nullptr, &quality, nullptr), soxr_delete);
  return [=](std::span<const float> in, std::span<float> out) {
    std::size_t taken = 0;
    std::size_t written = 0;
    soxr_process(state.get(), in.data(), in.size(), &taken, out.data(), out.size(), &written);
    if (taken != in.size()) throw std::runtime_error("soxr left input behind");
    return written;
  };
}
#endif

inline std::vector<Candidate> candidates() {
  std::vector<Candidate> all{{"ours (polyphase Kaiser FIR)", make_own}};
#if defined(NOVASR_HAVE_SPEEXDSP)
  for (const int quality : {4, 7, 10})
    all.push_back({"speexdsp, quality " + std::to_string(quality),
                   [quality](auto in_hz, auto out_hz) { return make_speex(in_hz, out_hz, quality); }});
#endif
#if defined(NOVASR_HAVE_SAMPLERATE)
  all.push_back({"libsamplerate, fastest sinc",
                 [](auto in_hz, auto out_hz) { return make_samplerate(in_hz, out_hz, SRC_SINC_FASTEST); }});
  all.push_back({"libsamplerate, medium sinc",
                 [](auto in_hz, auto out_hz) { return make_samplerate(in_hz, out_hz, SRC_SINC_MEDIUM_QUALITY); }});
#endif
#if defined(NOVASR_HAVE_SOXR)
  all.push_back({"soxr, LQ", [](auto in_hz, auto out_hz) { return make_soxr(in_hz, out_hz, SOXR_LQ); }});
  all.push_back({"soxr, HQ", [](auto in_hz, auto out_hz) { return make_soxr(in_hz, out_hz, SOXR_HQ); }});
#endif
  return all;
}
