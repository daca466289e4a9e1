#if !defined(_WIN32)
#  include <dlfcn.h>
#endif

#include <array>
#include <filesystem>
#include <string>

#include "novasr/errors.hpp"
#include "novasr/torch_engine.hpp"
#include "torch/factory.hpp"

namespace novasr {

#if defined(_WIN32)

std::unique_ptr<StreamingEngine> make_torch_engine(std::span<const char>, const TorchOptions&) {
  throw ModelError("the LibTorch engine is not available on Windows: use weights instead of a TorchScript");
}

#else

namespace {

std::string library_beside_this_binary() {
  static const char anchor = 0;
  Dl_info info{};
  if (dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) return "libnovasr_torch.so";
  return (std::filesystem::path(info.dli_fname).parent_path() / "libnovasr_torch.so").string();
}

TorchFactory* load_factory(const std::string& path) {
  // LOCAL: two plugins with different LibTorch builds must not see each other. NODELETE: LibTorch cannot be unloaded.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw ModelError(std::string("cannot open the LibTorch engine: ") + dlerror());
  void* symbol = dlsym(library, kTorchFactoryName);
  if (symbol == nullptr) throw ModelError(path + " is not the LibTorch engine of this version: " + dlerror());
  return reinterpret_cast<TorchFactory*>(symbol);
}

}  // namespace

std::unique_ptr<StreamingEngine> make_torch_engine(std::span<const char> torchscript, const TorchOptions& options) {
  if (options.threads < 1) throw ConfigError("threads must be at least 1, not " + std::to_string(options.threads));
  TorchFactory* factory = load_factory(options.library.empty() ? library_beside_this_binary() : options.library);
  std::array<char, 1024> error{};
  std::unique_ptr<StreamingEngine> engine(
      factory(torchscript.data(), torchscript.size(), options.threads, error.data(), error.size()));
  if (!engine) throw ModelError(error.data());
  return engine;
}

#endif

}  // namespace novasr
