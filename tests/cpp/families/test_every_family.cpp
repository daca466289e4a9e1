// What holds for every model family of the build: the NovaSR network and those of tests/families.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "dsp/fir_design.hpp"
#include "novasr/errors.hpp"
#include "novasr/live_bridge.hpp"
#include "novasr/model.hpp"
#include "novasr/processor_switch.hpp"
#include "novasr/worker_engine.hpp"
#include "spectrum.hpp"
#include "streaming.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

std::shared_ptr<const Model> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  return read_model(std::as_bytes(std::span(bytes)));
}

std::filesystem::path neutral_file(const ModelFamily& family) {
  return std::filesystem::path(NOVASR_TEST_FAMILIES) / family.name / "neutral.safetensors";
}

bool has_neutral_file(const ModelFamily& family) {
  return std::filesystem::exists(neutral_file(family));
}

std::shared_ptr<const Model> model_of(const ModelFamily& family) {
  return has_neutral_file(family) ? read_file(neutral_file(family)) : built_in_model(family);
}

/// A model that exercises its memory and channel links, which the neutral files hide.
std::shared_ptr<const Model> lively(const ModelFamily& family) {
  if (!has_neutral_file(family)) return model_of(family);
  return family.make(std::vector<float>(family.value_count(), 0.5f));
}

const ModelFamily& each_family() {
  const ModelFamily* const family = GENERATE(from_range(model_families().begin(), model_families().end()));
  INFO(family->name);
  return *family;
}

/// Noise of which a sharp filter leaves the lowest third: an engine may estimate where the band ends.
std::vector<float> narrow_noise(std::size_t frames) {
  constexpr std::size_t kReach = 100;
  const auto filter = KaiserSinc::clean(1.0 / 6.0, kReach, 80.0, 1.0);
  const auto white = gaussian_noise(frames + 2 * kReach, 0.1f);
  std::vector<float> taps(2 * kReach + 1), narrow(frames);
  for (std::size_t k = 0; k < taps.size(); ++k)
    taps[k] = static_cast<float>(filter(static_cast<double>(k) - static_cast<double>(kReach)));
  for (std::size_t i = 0; i < frames; ++i)
    narrow[i] = std::inner_product(taps.begin(), taps.end(), white.begin() + static_cast<std::ptrdiff_t>(i), 0.0f);
  return narrow;
}

/// Plays `input` through an engine alone, from reset() to flush(). A worker that waits is not real-time.
Audio through(StreamingEngine& engine, const Audio& input, const Cutter& next_block, bool realtime = true) {
  const std::size_t ratio = engine.format().ratio();
  Audio output(input.size(), std::vector<float>(ratio * input[0].size() + engine.latency_frames(), -77.0f));
  engine.reset();
  std::vector<float*> out(input.size());
  const auto place = [&](std::size_t first) {
    for (std::size_t c = 0; c < out.size(); ++c) out[c] = output[c].data() + first;
  };
  for (std::size_t first = 0; first < input[0].size();) {
    const std::size_t frames = std::min(next_block(), input[0].size() - first);
    const auto in = pointers(input, first);
    place(ratio * first);
    std::optional<test::RealtimeScope> scope;
    if (realtime) scope.emplace();
    engine.process({in.data(), in.size(), frames}, {out.data(), out.size(), ratio * frames});
    scope.reset();
    first += frames;
  }
  place(ratio * input[0].size());
  engine.flush({out.data(), out.size(), engine.latency_frames()});
  return output;
}

/// Delay of a tone minus the latency, in output frames.
double delay_error(const Audio& input, std::uint32_t in_hz, const Audio& output, std::uint32_t out_hz,
                   std::size_t latency) {
  constexpr double kTone = 437.0;
  const std::size_t in_skip = in_hz / 50, out_skip = out_hz / 50 + latency;
  const auto in_part = std::span(input[0]).subspan(in_skip, input[0].size() - 2 * in_skip);
  const auto out_part = std::span(output[0]).subspan(out_skip, output[0].size() - out_skip - out_hz / 50);
  const auto before = component(in_part, kTone, in_hz, static_cast<double>(in_skip));
  const auto after = component(out_part, kTone, out_hz, static_cast<double>(out_skip - latency));
  return std::arg(before / after) / (2.0 * std::numbers::pi * kTone) * out_hz;
}

Audio tone(std::uint32_t rate_hz) {
  return {tones({437.0}, rate_hz, rate_hz / 4), tones({437.0}, rate_hz, rate_hz / 4)};
}

/// The NovaSR network shifts the phase of a tone slightly; a wrong frame count would show as a whole frame.
constexpr double kDelayTolerance = 0.35;

std::unique_ptr<Processor> processor_of(const ModelFamily& family, const ProcessSpec& spec) {
  auto processor = std::make_unique<Processor>(model_of(family)->make_engine());
  processor->prepare(spec);
  return processor;
}

}  // namespace

TEST_CASE("Families: each has a name, tensors and a format that the chain can build on", "[families]") {
  const ModelFamily& family = each_family();
  REQUIRE(&model_family(family.name) == &family);
  REQUIRE(family.value_count() > 0);
  const auto model = model_of(family);
  REQUIRE(&model->family() == &family);
  for (const bool offline : {false, true}) {
    const auto engine = model->make_engine({.offline = offline});
    const EngineFormat& format = engine->format();
    CHECK(format.output_hz % format.input_hz == 0);
    CHECK(format.hop_frames >= 1);
    CHECK(format.offset_frames < format.ratio());
    CHECK((format.band_hz > 0.0 && 2.0 * format.band_hz <= format.output_hz));
  }
}

TEST_CASE("Families: an unknown name is rejected, and the available ones are listed", "[families]") {
  REQUIRE_THROWS_WITH(model_family("later"), Catch::Contains("'later'") && Catch::Contains("novasr"));
}

TEST_CASE("Families: the output is bit-identical for any block size and starts with the latency's zeros",
          "[families]") {
  const ModelFamily& family = each_family();
  const auto engine = model_of(family)->make_engine({.offline = GENERATE(false, true)});
  engine->prepare({.channels = 2, .max_block_frames = 4'096});
  const Audio input = uniform_noise(2, 4'001, 3);
  const Audio whole = through(*engine, input, blocks_of(4'096));
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < engine->latency_frames(); ++i) REQUIRE(whole[c][i] == 0.0f);
  for (const std::size_t block : {1u, 7u, 79u, 80u, 81u, 160u, 1'023u})
    CHECK(same_bits(through(*engine, input, blocks_of(block)), whole));
  for (unsigned seed = 0; seed < 10; ++seed) CHECK(same_bits(through(*engine, input, random_blocks(seed)), whole));
}

TEST_CASE("Families: only linked channels affect each other", "[families]") {
  const ModelFamily& family = each_family();
  const auto engine = lively(family)->make_engine();
  engine->prepare({.channels = 2, .max_block_frames = 1'000});
  const std::size_t frames = engine->format().input_hz;
  const Audio both{narrow_noise(frames), gaussian_noise(frames, 0.1f, 5)};
  const Audio alone{both[0], std::vector<float>(frames)};
  const bool hears = through(*engine, both, blocks_of(500))[0] != through(*engine, alone, blocks_of(500))[0];
  CHECK(hears == engine->format().linked_channels);
}

TEST_CASE("Families: no input has an effect beyond the memory of those that forget", "[families]") {
  const ModelFamily& family = each_family();
  const auto engine = lively(family)->make_engine();
  const EngineFormat& format = engine->format();
  engine->prepare({.channels = 1, .max_block_frames = 4'000, .source_band_hz = 4'000.0});
  const std::size_t hops = 40, first = hops * format.hop_frames;
  Audio input{narrow_noise(first + format.memory_frames + 2'000)};
  const Audio with_past = through(*engine, input, blocks_of(400));
  std::fill_n(input[0].begin(), first, 0.0f);
  const Audio without = through(*engine, input, blocks_of(400));
  const std::size_t from = format.ratio() * (first + format.memory_frames) + engine->latency_frames();
  CHECK_FALSE(same_bits(with_past, without));
  const bool forgotten = std::equal(with_past[0].begin() + static_cast<std::ptrdiff_t>(from), with_past[0].end(),
                                    without[0].begin() + static_cast<std::ptrdiff_t>(from));
  CHECK(forgotten == format.forgets);
}

TEST_CASE("Families: the processor's measured delay is the reported latency at every rate", "[families][latency]") {
  const ModelFamily& family = each_family();
  const std::uint32_t rate = GENERATE(22'050u, 44'100u, 48'000u, 96'000u);
  const ProcessSpec spec{.sample_rate_hz = rate, .output_rate_hz = rate, .channels = 2, .max_block_frames = 4'096};
  const auto processor = processor_of(family, spec);
  const Audio input = tone(rate);
  for (const Parameters& parameters :
       {Parameters{.mode = Mode::full}, Parameters{.mode = Mode::extend}, Parameters{.mix = 0.0f}}) {
    processor->set_parameters(parameters);
    const Audio output = stream(*processor, input, blocks_of(512));
    CHECK(output[0].size() == input[0].size() + processor->latency_frames());
    CHECK(std::abs(delay_error(input, rate, output, rate, processor->latency_frames())) < kDelayTolerance);
    CHECK(same_bits(stream(*processor, input, random_blocks(2)), output));
  }
  CHECK(processing_latency_frames(spec, processor->format(), model_of(family)->make_engine()->latency_frames()) ==
        processor->latency_frames());
}

TEST_CASE("Families: a worker adds hop and headroom to the latency and does not change the output",
          "[families][worker]") {
  const ModelFamily& family = each_family();
  const auto model = model_of(family);
  const std::atomic<bool> offline{true};
  WorkerEngine worker(model->make_engine(), {.hop_frames = 100, .headroom_frames = 50, .offline = &offline});
  const auto engine = model->make_engine();
  for (StreamingEngine* one : {static_cast<StreamingEngine*>(&worker), engine.get()})
    one->prepare({.channels = 2, .max_block_frames = 4'096});
  REQUIRE(worker.format() == engine->format());
  const std::size_t added = engine->format().ratio() * (99 + 50);
  REQUIRE(worker.latency_frames() == engine->latency_frames() + added);
  const Audio input = uniform_noise(2, 3'000, 9);
  Audio expected = delayed(through(*engine, input, blocks_of(333)), added);
  CHECK(same_bits(through(worker, input, random_blocks(4), false), expected));
}

TEST_CASE("Families: switching to identical weights is bit-exact", "[families][switch]") {
  const ModelFamily& family = each_family();
  const std::uint32_t rate = GENERATE(44'100u, 48'000u);
  const ProcessSpec spec{.sample_rate_hz = rate, .output_rate_hz = rate, .channels = 2, .max_block_frames = 512};
  const Audio input = uniform_noise(2, 2 * rate, 11);
  const auto play = [&](bool changes) {
    ProcessorSwitch machine;
    machine.prepare(spec, processor_of(family, spec));
    Audio output = input;
    for (std::size_t first = 0; first + 480 <= input[0].size(); first += 480) {
      if (changes && first == 48'000 / 480 * 480 / 2) machine.offer(processor_of(family, spec));
      std::vector<float*> out{output[0].data() + first, output[1].data() + first};
      machine.apply({.mode = Mode::full});
      machine.process(AudioView<float>(out.data(), 2, 480), {out.data(), 2, 480});
    }
    return output;
  };
  CHECK(same_bits(play(true), play(false)));
}

TEST_CASE("Families: each plays live with the reported latency", "[families][live]") {
  const ModelFamily& family = each_family();
  constexpr std::uint32_t kRate = 48'000;
  LiveBridge bridge(model_of(family)->make_engine(), {.input_channels = 2, .output_channels = 2});
  bridge.set_parameters({.mode = Mode::full});
  const Audio input = tone(kRate);
  std::vector<float> in(2 * input[0].size()), out(in.size());
  for (std::size_t i = 0; i < input[0].size(); ++i) in[2 * i] = in[2 * i + 1] = input[0][i];
  for (std::size_t first = 0; first + 128 <= input[0].size(); first += 128)
    bridge.duplex(in.data() + 2 * first, out.data() + 2 * first, 128, {});
  Audio output(1, std::vector<float>(input[0].size()));
  for (std::size_t i = 0; i < output[0].size(); ++i) output[0][i] = out[2 * i];
  const auto latency = static_cast<std::size_t>(bridge.latency_frames());
  CHECK(std::abs(delay_error(input, kRate, output, kRate, latency)) < kDelayTolerance);
  CHECK(bridge.stats().processor.engine.failed_blocks == 0);
}

TEST_CASE("Families: an invalid weights file is rejected, with the reason", "[families]") {
  const auto refused = [](const std::string& bytes) { (void)read_model(std::as_bytes(std::span(bytes))); };
  const auto file = [](const std::string& header, const std::string& data) {
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
  };
  REQUIRE_THROWS_WITH(refused(""), Catch::Contains("not a .safetensors file"));
  REQUIRE_THROWS_WITH(refused(std::string(8, '\xff')), Catch::Contains("not a .safetensors file"));
  for (const char* header : {"", "{", "[]", "{}x", R"({"a": {"shape": [1}})", R"({"a": 1})", R"({"\u00": {}})", "{\"a"})
    REQUIRE_THROWS_WITH(refused(file(header, "")), Catch::Contains("not a .safetensors file"));
  REQUIRE_THROWS_WITH(refused(file("{}", "")), Catch::Contains("it lacks conv_pre.weight"));
  REQUIRE_THROWS_WITH(refused(file(R"({"__metadata__": {"family": "l\u00e4ter"}})", "")), Catch::Contains("'läter'"));
  REQUIRE_THROWS_WITH(refused(file(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", "1234")),
                      Catch::Contains("a lies outside it"));
  REQUIRE_THROWS_WITH(refused(file(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": []}})", "")),
                      Catch::Contains("a lies nowhere in it"));
}

TEST_CASE("Families: a tensor of another shape with as many values is refused", "[families]") {
  const ModelFamily& family = each_family();
  const auto file = [&](const TensorSpec* flat) {
    std::string header = R"({"__metadata__": {"family": ")" + std::string(family.name) + R"("})";
    std::size_t end = 0;
    for (const TensorSpec& spec : family.tensors) {
      std::string shape;
      for (const std::size_t size : spec.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
      if (&spec == flat) shape = std::to_string(spec.size()) + ", 1, 1, 1";
      const std::size_t first = std::exchange(end, end + 4 * spec.size());
      header += ", \"" + std::string(spec.name) + R"(": {"dtype": "F32", "shape": [)" + shape +
                "], \"data_offsets\": [" + std::to_string(first) + ", " + std::to_string(end) + "]}";
    }
    header += '}';
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + std::string(end, '\0');
  };
  const auto read = [](const std::string& bytes) { return read_model(std::as_bytes(std::span(bytes))); };
  REQUIRE(read(file(nullptr)));
  for (const TensorSpec& spec : family.tensors)
    REQUIRE_THROWS_WITH(read(file(&spec)), Catch::Contains(std::string(spec.name) + " has shape"));
}
