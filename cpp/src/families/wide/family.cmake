# Band extension at 48 kHz: its engine, its built-in weights, and the kernels, one file for each instruction set.
set(wide_family ${CMAKE_CURRENT_LIST_DIR})

target_sources(
  novasr_core
  PRIVATE ${wide_family}/bands.cpp
          ${wide_family}/extender.cpp
          ${wide_family}/family.cpp
          ${wide_family}/features.cpp
          ${wide_family}/fft.cpp
          ${wide_family}/layers.cpp
          ${wide_family}/noise.cpp
          ${wide_family}/wide_engine.cpp
          ${wide_family}/kernels/table.cpp)

if(NOVASR_WEB)  # a file of its own, which only those load that want it
  set_source_files_properties(${wide_family}/family.cpp PROPERTIES COMPILE_DEFINITIONS NOVASR_NO_WIDE_WEIGHTS=1)
endif()
novasr_embed_weights(wide_weights wide.safetensors)
add_custom_target(wide_generated DEPENDS ${novasr_generated}/wide_weights.inc)
add_dependencies(novasr_generated wide_generated)

novasr_isa_sources(novasr_core ${wide_family}/kernels/kernels ISAS portable sse41 avx2 avx512)
