#pragma once
#include <stdexcept>
#include <string>

namespace novasr {

/// Base of all exceptions of the library. Only control threads throw; the audio thread counts errors instead.
class NovasrError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A parameter outside its range; the message names it, the offending value and the remedy.
class ConfigError : public NovasrError {
  using NovasrError::NovasrError;
};

/// A model that cannot be used: damaged, of another architecture, or without its runtime.
class ModelError : public NovasrError {
  using NovasrError::NovasrError;
};

}  // namespace novasr
