# NOVASR_SANITIZE = address (with undefined) | thread
if(NOVASR_SANITIZE)
  # Instrumented code takes minutes to optimise; reports need lines alone.
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
  # Asserts, and libstdc++'s own checks: the optimised build types leave them out.
  add_compile_options(-UNDEBUG -D_GLIBCXX_ASSERTIONS)
endif()
if(NOVASR_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # instrumented code confuses it, says GCC's manual
  endif()
elseif(NOVASR_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  find_program(NOVASR_SETARCH setarch)
  if(NOVASR_SETARCH AND NOT CMAKE_CROSSCOMPILING_EMULATOR)  # kernels that randomise more bits than older runtimes expect
    set(CMAKE_CROSSCOMPILING_EMULATOR ${NOVASR_SETARCH};-R)
  endif()
elseif(NOVASR_SANITIZE)
  message(FATAL_ERROR "NOVASR_SANITIZE is address or thread, not '${NOVASR_SANITIZE}'")
endif()
