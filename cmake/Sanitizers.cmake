# NOVASR_SANITIZE = address (with undefined) | thread
if(NOVASR_SANITIZE)
  # Optimising instrumented code takes minutes; reports need line numbers only.
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
  # Enables asserts and the checks of libstdc++, which the optimised build types disable.
  add_compile_options(-UNDEBUG -D_GLIBCXX_ASSERTIONS)
endif()
if(NOVASR_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # false positives in instrumented code, according to GCC's manual
  endif()
elseif(NOVASR_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  find_program(NOVASR_SETARCH setarch)
  # Some kernels randomise more address bits than older runtimes support.
  if(NOVASR_SETARCH AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${NOVASR_SETARCH};-R)
  endif()
elseif(NOVASR_SANITIZE)
  message(FATAL_ERROR "NOVASR_SANITIZE is address or thread, not '${NOVASR_SANITIZE}'")
endif()
