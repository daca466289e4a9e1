#pragma once
#include <stdexcept>
#include <string>

namespace novasr {

/// Base of everything the library throws. Only the control thread throws; the audio thread counts instead.
class NovasrError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A parameter outside its range; the message names it, the offending value and the remedy.
class ConfigError : public NovasrError {
  using NovasrError::NovasrError;
};

/// A model that cannot be used: damaged, of another architecture, or its runtime is missing.
class ModelError : public NovasrError {
  using NovasrError::NovasrError;
};

}  // namespace novasr
