# Kernels: sources of which a build has one for each instruction set, and chooses among them when it runs
# (cpp/src/simd/dispatch.hpp).

# What all parts need that choose: NOVASR_X86 is defined where there is more than the portable one.
add_library(novasr_isas INTERFACE)
set(novasr_isa_names portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_definitions(novasr_isas INTERFACE NOVASR_X86=1)
  list(APPEND novasr_isa_names sse41 avx2 avx512)
endif()

set(novasr_isa_options_portable "")
set(novasr_isa_options_sse41 -msse4.1)
set(novasr_isa_options_avx2 -mavx2 -mfma)
# GCC 12 calls its own AVX-512 intrinsics uninitialised.
set(novasr_isa_options_avx512 -mavx512f -mprefer-vector-width=512 $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

# Adds <prefix>_<isa>.cpp for those of ISAS that the build has, each with the options of its instruction set:
#   novasr_isa_sources(<target> <prefix> ISAS <isa>... [OPTIONS <option>...] [OPTIONS_<isa> <option>...])
# OPTIONS replace the usual ones of kernels: optimised whatever the build type, and every multiply-add fused exactly
# where the source says so. OPTIONS_<isa> replace those of one instruction set.
function(novasr_isa_sources target prefix)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "ISAS;OPTIONS;OPTIONS_portable;OPTIONS_sse41;OPTIONS_avx2;OPTIONS_avx512")
  if(NOT arg_OPTIONS)
    set(arg_OPTIONS -O3 -ffp-contract=off)
  endif()
  foreach(isa IN LISTS arg_ISAS)
    if(NOT isa IN_LIST novasr_isa_names)
      continue()
    endif()
    set(isa_options ${novasr_isa_options_${isa}})
    if(arg_OPTIONS_${isa})
      set(isa_options ${arg_OPTIONS_${isa}})
    endif()
    target_sources(${target} PRIVATE ${prefix}_${isa}.cpp)
    set_source_files_properties(${prefix}_${isa}.cpp PROPERTIES COMPILE_OPTIONS "${arg_OPTIONS};-Wno-psabi;${isa_options}")
  endforeach()
endfunction()
