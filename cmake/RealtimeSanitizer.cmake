# NOVASR_RTSAN: links LLVM's runtime into a program compiled with GCC. The tests bracket audio-thread calls with
# __rtsan_realtime_enter/exit; compilation does not change.
if(NOVASR_RTSAN)
  file(GLOB rtsan_candidates /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.rtsan-${CMAKE_SYSTEM_PROCESSOR}.a)
  if(NOT rtsan_candidates)
    message(FATAL_ERROR "NOVASR_RTSAN needs LLVM's runtime: apt-get install libclang-rt-19-dev")
  endif()
  list(GET rtsan_candidates -1 rtsan_runtime)
  add_library(novasr_rtsan INTERFACE)
  target_link_options(novasr_rtsan INTERFACE -Wl,--require-defined=__rtsan_realtime_enter -Wl,--whole-archive ${rtsan_runtime} -Wl,--no-whole-archive -ldl -lpthread)
endif()
