#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <string>

#include "dsp/kernels/table.hpp"
#include "families/novasr/gradient/row_table.hpp"
#include "families/novasr/native_engine.hpp"
#include "native_support.hpp"
#include "novasr/errors.hpp"
#include "simd/dispatch.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

void set_isa(const std::optional<std::string>& name) {
#if defined(_WIN32)
  _putenv_s("NOVASR_ISA", name ? name->c_str() : "");  // an empty value removes it
#else
  if (name)
    setenv("NOVASR_ISA", name->c_str(), 1);
  else
    unsetenv("NOVASR_ISA");
#endif
}

/// Sets NOVASR_ISA during its lifetime.
class IsaChoice {
 public:
  explicit IsaChoice(const std::optional<std::string>& name) {
    if (const char* const before = std::getenv("NOVASR_ISA")) before_ = before;
    set_isa(name);
  }
  ~IsaChoice() { set_isa(before_); }
  IsaChoice(const IsaChoice&) = delete;
  IsaChoice& operator=(const IsaChoice&) = delete;

 private:
  std::optional<std::string> before_;
};

std::vector<float> output_of(NativeEngine engine) {
  engine.prepare({.channels = 1, .max_block_frames = 1024});
  return run_whole(engine, gaussian_noise(200, 0.1f));
}

}  // namespace

TEST_CASE("Isa: NOVASR_ISA makes this CPU behave like one without better instruction sets", "[native][isa]") {
  for (const Isa isa : available_isas()) {
    const auto expected = output_of(NativeEngine(default_weights(), Tile::streaming, isa));
    const IsaChoice choice{std::string(isa_name(isa))};
    INFO(isa_name(isa));
    REQUIRE_NOTHROW(check_isa_choice());
    REQUIRE(available_isas().back() == isa);
    REQUIRE(output_of(NativeEngine(default_weights())) == expected);
  }
}

TEST_CASE("Isa: NOVASR_ISA applies to the filters and training as well as to the engine", "[native][isa]") {
  const auto all = available_isas();
  const auto row_kernels = training::available_row_kernels();
  for (const Isa isa : all) {
    const auto* const filters = &dsp::table_for(isa);
    const IsaChoice choice{std::string(isa_name(isa))};
    INFO(isa_name(isa));
    REQUIRE(best_isa() == isa);
    REQUIRE(&dsp::table_for(best_isa()) == filters);
    REQUIRE((filters == &dsp::kPortableTable) == (isa < Isa::avx2));
    if (isa != all.back()) REQUIRE_THROWS_AS(dsp::table_for(all.back()), ConfigError);
    REQUIRE((training::available_row_kernels().size() == 1) == (isa < Isa::avx2 || row_kernels.size() == 1));
  }
}

TEST_CASE("Isa: an unknown name is rejected by check_isa_choice() and otherwise ignored", "[native][isa]") {
  const IsaChoice none(std::nullopt);
  const auto isas = available_isas();
  const auto expected = output_of(NativeEngine(default_weights()));
  const IsaChoice choice("avx1024");
  REQUIRE_THROWS_WITH(check_isa_choice(), Catch::Contains("NOVASR_ISA is 'avx1024'") && Catch::Contains("portable"));
  REQUIRE(available_isas() == isas);
  REQUIRE(output_of(NativeEngine(default_weights())) == expected);
}

TEST_CASE("Isa: an empty NOVASR_ISA counts as unset", "[native][isa]") {
  const IsaChoice none(std::nullopt);
  const auto isas = available_isas();
  const IsaChoice choice("");
  REQUIRE_NOTHROW(check_isa_choice());
  REQUIRE(available_isas() == isas);
}
