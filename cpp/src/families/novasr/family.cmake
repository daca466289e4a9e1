# The NovaSR network: its engine, its built-in weights, and the kernels, one file for each instruction set.
set(novasr_family ${CMAKE_CURRENT_LIST_DIR})

target_sources(
  novasr_core
  PRIVATE ${novasr_family}/family.cpp
          ${novasr_family}/fold.cpp
          ${novasr_family}/native_engine.cpp
          ${novasr_family}/network_stream.cpp
          ${novasr_family}/silence.cpp
          ${novasr_family}/tile_filter.cpp
          ${novasr_family}/weights.cpp
          ${novasr_family}/kernels/table.cpp)

novasr_embed_weights(novasr_weights novasr.safetensors)

set(generate_dft ${novasr_family}/kernels/generate_dft.py)
foreach(points 18 48)
  add_custom_command(
    OUTPUT ${novasr_generated}/dft_${points}.inc
    COMMAND Python3::Interpreter ${generate_dft} ${points} ${novasr_generated}/dft_${points}.inc
    DEPENDS ${generate_dft})
endforeach()
add_custom_target(
  novasr_generated DEPENDS ${novasr_generated}/novasr_weights.inc ${novasr_generated}/dft_18.inc
                           ${novasr_generated}/dft_48.inc)
add_dependencies(novasr_core novasr_generated)

novasr_isa_sources(novasr_core ${novasr_family}/kernels/kernels ISAS portable sse41 avx2 avx512)
