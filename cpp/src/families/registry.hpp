#pragma once
#include "novasr/model.hpp"

// The families of this build, one declaration per folder; each folder defines its own.
namespace novasr::families {
#define NOVASR_FAMILY(name) extern const ModelFamily name;
#include "families.inc"
#undef NOVASR_FAMILY
}  // namespace novasr::families
