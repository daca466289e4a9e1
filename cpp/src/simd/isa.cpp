#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>

#include "novasr/errors.hpp"
#include "simd/dispatch.hpp"

namespace novasr {
namespace {

constexpr Isa kIsas[] = {Isa::portable, Isa::sse41, Isa::avx2, Isa::avx512};

bool runs_here(Isa isa) noexcept {
#ifdef NOVASR_X86
  switch (isa) {
    case Isa::portable:
      return true;
    case Isa::sse41:
      return __builtin_cpu_supports("sse4.1");
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f");
  }
#endif
  return isa == Isa::portable;
}

std::string_view choice() noexcept {
  const char* const name = std::getenv("NOVASR_ISA");
  return name != nullptr ? name : "";
}

std::optional<Isa> chosen() noexcept {
  for (const Isa isa : kIsas)
    if (isa_name(isa) == choice() && runs_here(isa)) return isa;
  return std::nullopt;
}

std::string names_of(const std::vector<Isa>& isas) {
  std::string names;
  for (const Isa isa : isas) names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  return names;
}

}  // namespace

std::string_view isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::sse41:
      return "sse41";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  std::ranges::copy_if(kIsas, std::back_inserter(isas), is_available);
  return isas;
}

void check_isa_choice() {
  if (choice().empty() || chosen()) return;
  throw ConfigError("NOVASR_ISA is '" + std::string(choice()) +
                    "'; instruction sets of this processor: " + names_of(available_isas()));
}

bool is_available(Isa isa) noexcept {
  return runs_here(isa) && isa <= chosen().value_or(isa);
}

Isa best_isa() noexcept {
  Isa best = Isa::portable;
  for (const Isa isa : kIsas)
    if (is_available(isa)) best = isa;
  return best;
}

void check_available(Isa isa) {
  if (is_available(isa)) return;
  throw ConfigError("instruction set " + std::string(isa_name(isa)) + " is not available; those here are " +
                    names_of(available_isas()));
}

}  // namespace novasr
