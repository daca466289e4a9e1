// SPDX-License-Identifier: GPL-3.0-or-later
#define CATCH_CONFIG_RUNNER
#include <juce_events/juce_events.h>

#include <catch2/catch.hpp>

#if defined(__SANITIZE_ADDRESS__)
// JUCE's LV2 host loses what lilv finds; no code of the plugin runs then.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:juce::LV2PluginFormat::Pimpl::searchPathsForPlugins";
}
#endif

int main(int count, char* arguments[]) {
  const juce::ScopedJuceInitialiser_GUI this_is_the_message_thread;
  return Catch::Session().run(count, arguments);
}
