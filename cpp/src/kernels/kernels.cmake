# The native engine's kernels, one file for each instruction set, and the sources that scripts write for them.
find_package(Python3 REQUIRED COMPONENTS Interpreter)  # with its standard library only

set(novasr_generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${novasr_generated})

set(weights ${PROJECT_SOURCE_DIR}/python/novasr/weights/novasr.safetensors)
set(embed_weights ${PROJECT_SOURCE_DIR}/cmake/embed_weights.py)
add_custom_command(
  OUTPUT ${novasr_generated}/default_weights.inc
  COMMAND Python3::Interpreter ${embed_weights} ${weights} ${novasr_generated}/default_weights.inc
  DEPENDS ${embed_weights} ${weights})

set(generate_dft ${CMAKE_CURRENT_LIST_DIR}/generate_dft.py)
foreach(points 18 48)
  add_custom_command(
    OUTPUT ${novasr_generated}/dft_${points}.inc
    COMMAND Python3::Interpreter ${generate_dft} ${points} ${novasr_generated}/dft_${points}.inc
    DEPENDS ${generate_dft})
endforeach()
add_custom_target(
  novasr_generated DEPENDS ${novasr_generated}/default_weights.inc ${novasr_generated}/dft_18.inc
                           ${novasr_generated}/dft_48.inc)
add_dependencies(novasr_core novasr_generated)
target_include_directories(novasr_core PRIVATE ${novasr_generated})

# Optimised whatever the build type, and every multiply-add fused exactly where the source says so.
set(novasr_kernel_options -O3 -ffp-contract=off -Wno-psabi)

# One file of kernels: novasr_kernels(name options...)
function(novasr_kernels name)
  set(source ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/kernels_${name}.cpp)
  target_sources(novasr_core PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${novasr_kernel_options};${ARGN}")
endfunction()

target_sources(novasr_core PRIVATE ${CMAKE_CURRENT_LIST_DIR}/dispatch.cpp)
novasr_kernels(portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_definitions(novasr_core PRIVATE NOVASR_X86=1)
  novasr_kernels(sse41 -msse4.1)
  novasr_kernels(avx2 -mavx2 -mfma)
  # GCC 12 calls its own AVX-512 intrinsics uninitialised.
  novasr_kernels(avx512 -mavx512f -mprefer-vector-width=512 $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
