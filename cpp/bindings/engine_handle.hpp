#pragma once
#include <memory>

#include "novasr/engine.hpp"
#include "novasr/errors.hpp"

/// An engine on its way from a factory function to the stream that will own it.
class EngineHandle {
 public:
  explicit EngineHandle(std::unique_ptr<novasr::StreamingEngine> engine) : engine_(std::move(engine)) {}

  [[nodiscard]] std::unique_ptr<novasr::StreamingEngine> take() {
    check_owned();
    return std::move(engine_);
  }

  [[nodiscard]] const novasr::EngineFormat& format() const {
    check_owned();
    return engine_->format();
  }

 private:
  void check_owned() const {
    if (!engine_) throw novasr::ConfigError("this engine already belongs to a stream");
  }

  std::unique_ptr<novasr::StreamingEngine> engine_;
};
