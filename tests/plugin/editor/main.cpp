// SPDX-License-Identifier: GPL-3.0-or-later
#define CATCH_CONFIG_RUNNER
#include <juce_gui_basics/juce_gui_basics.h>

#include <catch2/catch.hpp>

int main(int argc, char** argv) {
  const juce::ScopedJuceInitialiser_GUI juce;  // this is the message thread
  return Catch::Session().run(argc, argv);
}
