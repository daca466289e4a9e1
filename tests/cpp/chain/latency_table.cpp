// Writes the tables of docs/latency.md from the plan that the processor itself uses, or checks the file against it:
//   novasr_latency_table                     prints the tables
//   novasr_latency_table docs/latency.md     fails, and prints the line, if a line of the tables is not in the file
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "chain/chain_plan.hpp"
#include "novasr/model.hpp"

namespace {

const novasr::StreamingEngine& engine() {
  static const auto made = novasr::default_model()->make_engine();
  return *made;
}

std::string row(std::uint32_t in_hz, std::uint32_t out_hz, bool low_latency) {
  const novasr::ChainPlan plan =
      novasr::plan_chain({.sample_rate_hz = in_hz, .output_rate_hz = out_hz, .low_latency = low_latency},
                         engine().format(), engine().latency_frames());
  const double from_in = static_cast<double>(out_hz) / in_hz;
  const double from_engine = static_cast<double>(out_hz) / engine().format().output_hz;
  const double front = from_in * static_cast<double>(plan.front_end_frames);
  const double engine = from_engine * static_cast<double>(plan.engine_frames);
  const double back = from_engine * static_cast<double>(plan.back_end_frames);
  const double waiting = static_cast<double>(plan.aligned_frames) - front - engine - back;
  const double milliseconds = 1e3 * static_cast<double>(plan.latency_frames()) / out_hz;
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(), "| %g | %g | %.1f | %.1f | %.1f | %.1f | %zu | **%zu** | %.2f ms |",
                in_hz / 1e3, out_hz / 1e3, front, engine, back, waiting, plan.crossover_frames, plan.latency_frames(),
                milliseconds);
  return text.data();
}

std::vector<std::string> table(bool low_latency) {
  std::vector<std::string> lines{
      "| in kHz | out kHz | front end | engine | back end | waiting | crossover | sum | time |",
      "|---:|---:|---:|---:|---:|---:|---:|---:|---:|"};
  for (const std::uint32_t hz : {22'050, 24'000, 32'000, 44'100, 48'000, 88'200, 96'000, 176'400, 192'000})
    lines.push_back(row(hz, hz, low_latency));
  for (const std::uint32_t hz :
       {8'000, 11'025, 16'000, 22'050, 24'000, 32'000, 44'100, 88'200, 96'000, 176'400, 192'000})
    lines.push_back(row(hz, engine().format().output_hz, low_latency));
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  if (argc > 1) {
    std::stringstream content;
    content << std::ifstream(argv[1]).rdbuf();
    file = content.str();
  }
  bool agrees = true;
  for (const bool low_latency : {false, true}) {
    if (argc < 2) std::cout << (low_latency ? "\nlow_latency = true:\n\n" : "low_latency = false:\n\n");
    for (const std::string& line : table(low_latency)) {
      if (argc < 2) std::cout << line << '\n';
      if (argc < 2 || file.find(line + '\n') != std::string::npos) continue;
      std::cerr << argv[1] << " lacks: " << line << '\n';
      agrees = false;
    }
  }
  return agrees ? 0 : 1;
}
