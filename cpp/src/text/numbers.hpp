#pragma once
#include <string>

namespace novasr {

/// Like printf's %.<decimals>f, with a decimal point in every locale.
[[nodiscard]] std::string fixed_text(double value, int decimals);

/// Like printf's %g, with a decimal point in every locale.
[[nodiscard]] std::string general_text(double value);

}  // namespace novasr
