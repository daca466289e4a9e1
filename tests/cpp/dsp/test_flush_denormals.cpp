#include <catch2/catch.hpp>
#include <limits>

#include "dsp/flush_denormals.hpp"

namespace {

float smallest_normal_halved() {
  const volatile float smallest = std::numeric_limits<float>::min();
  const volatile float half = 0.5f;
  return smallest * half;
}

}  // namespace

#if defined(__SSE2__) || defined(__aarch64__)
TEST_CASE("FlushDenormals: subnormal results are zero during its lifetime, and only then", "[denormals]") {
  REQUIRE(smallest_normal_halved() > 0.0f);
  {
    const novasr::FlushDenormals flush_denormals;
    REQUIRE(smallest_normal_halved() == 0.0f);
  }
  REQUIRE(smallest_normal_halved() > 0.0f);
}
#endif
