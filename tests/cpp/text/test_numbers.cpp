#include <catch2/catch.hpp>
#include <limits>

#include "text/numbers.hpp"

using novasr::fixed_text;
using novasr::general_text;

TEST_CASE("Numbers in messages: fixed_text() keeps so many decimals", "[text]") {
  CHECK(fixed_text(7.96, 1) == "8.0");
  CHECK(fixed_text(0.04, 1) == "0.0");
  CHECK(fixed_text(-1234.5, 2) == "-1234.50");
  CHECK(fixed_text(std::numeric_limits<double>::max(), 1).size() == 311);
}

TEST_CASE("Numbers in messages: general_text() keeps what is needed, up to six digits", "[text]") {
  CHECK(general_text(8.0) == "8");
  CHECK(general_text(44.1) == "44.1");
  CHECK(general_text(-0.25) == "-0.25");
  CHECK(general_text(1234567.0) == "1.23457e+06");
  CHECK(general_text(std::numeric_limits<double>::quiet_NaN()) == "nan");
}
