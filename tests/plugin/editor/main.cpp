// SPDX-License-Identifier: GPL-3.0-or-later
#include <juce_gui_basics/juce_gui_basics.h>

#include "run_tests.hpp"

int main(int count, char* arguments[]) {
  const juce::ScopedJuceInitialiser_GUI this_is_the_message_thread;
  return run_tests(count, arguments);
}
