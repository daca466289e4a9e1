#include "run_tests.hpp"

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

int run_tests(int count, char* arguments[]) {
  return Catch::Session().run(count, arguments);
}
