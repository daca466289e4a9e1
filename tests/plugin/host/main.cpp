// SPDX-License-Identifier: GPL-3.0-or-later
#define CATCH_CONFIG_RUNNER
#include <juce_events/juce_events.h>

#include <catch2/catch.hpp>

int main(int count, char* arguments[]) {
  const juce::ScopedJuceInitialiser_GUI this_is_the_message_thread;
  return Catch::Session().run(count, arguments);
}
