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

/// Statements of such a function that the compile-time check has to let pass. Each use says why it may.
#if defined(__clang__)
#  define NOVASR_RT_UNCHECKED(...)                                                                    \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"") \
        _Pragma("clang diagnostic ignored \"-Wfunction-effects\"") __VA_ARGS__ _Pragma("clang diagnostic pop")
#else
#  define NOVASR_RT_UNCHECKED(...) __VA_ARGS__
#endif
