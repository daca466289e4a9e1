# Use ccache if it is installed; -DCMAKE_CXX_COMPILER_LAUNCHER= turns it off.
find_program(NOVASR_CCACHE ccache)
if(NOVASR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${NOVASR_CCACHE} CACHE STRING "Runs the C compiler")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NOVASR_CCACHE} CACHE STRING "Runs the C++ compiler")
endif()
