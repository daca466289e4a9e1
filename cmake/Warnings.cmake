# Link novasr_warnings only to our own sources: third-party headers are included as SYSTEM.
add_library(novasr_warnings INTERFACE)
target_compile_options(
  novasr_warnings INTERFACE $<IF:$<CXX_COMPILER_ID:MSVC>,/W4,-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion>)
