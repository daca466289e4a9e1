#pragma once

/// Marks a function that may run on the audio thread: it never allocates, locks, blocks, logs or throws.
/// Clang 20 and later check it at compile time (-Wfunction-effects) and at run time (-fsanitize=realtime).
#if defined(__has_cpp_attribute)
#  if __has_cpp_attribute(clang::nonblocking)
#    define NOVASR_RT noexcept [[clang::nonblocking]]
#  endif
#endif
#ifndef NOVASR_RT
#  define NOVASR_RT noexcept
#endif
