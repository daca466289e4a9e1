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

/// Excludes statements of such a function from the compile-time check. Each use states why this is safe.
#if defined(__clang__)
#  define NOVASR_RT_UNCHECKED(...)                                                                    \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"") \
        _Pragma("clang diagnostic ignored \"-Wfunction-effects\"") __VA_ARGS__ _Pragma("clang diagnostic pop")
#else
#  define NOVASR_RT_UNCHECKED(...) __VA_ARGS__
#endif
