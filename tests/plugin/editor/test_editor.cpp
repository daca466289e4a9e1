// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "PluginProcessor.h"
#include "Presets.h"
#include "band_noise.hpp"
#include "editor/PluginEditor.h"
#include "novasr/band_verdict.hpp"

namespace {
/// A plugin with its editor open.
struct Opened {
  PluginProcessor processor;
  std::unique_ptr<PluginEditor> editor;

  Opened() { open(); }
  void open() { editor.reset(dynamic_cast<PluginEditor*>(processor.createEditorIfNeeded())); }

  void prepare(double sampleRate) {
    processor.setRateAndBufferSizeDetails(sampleRate, 512);
    processor.prepareToPlay(sampleRate, 512);
    editor->refresh(1.0);
  }

  /// Plays on both channels, one block per update of the editor.
  void play(const std::vector<float>& samples) {
    constexpr int kBlock = 1'600;
    processor.setRateAndBufferSizeDetails(48'000.0, kBlock);
    processor.prepareToPlay(48'000.0, kBlock);
    juce::AudioBuffer<float> block(2, kBlock);
    juce::MidiBuffer midi;
    for (size_t start = 0; start + kBlock <= samples.size(); start += kBlock) {
      for (int channel = 0; channel < 2; ++channel) block.copyFrom(channel, 0, samples.data() + start, kBlock);
      processor.processBlock(block, midi);
      editor->refresh(1.0 / 30.0);
    }
  }
};

void collect(juce::Component& parent, std::vector<juce::Component*>& found) {
  for (auto* const child : parent.getChildren()) {
    found.push_back(child);
    collect(*child, found);
  }
}

template <typename Type>
std::vector<Type*> all(juce::Component& parent) {
  std::vector<juce::Component*> found;
  collect(parent, found);
  std::vector<Type*> result;
  for (auto* const component : found)
    if (auto* const matching = dynamic_cast<Type*>(component)) result.push_back(matching);
  return result;
}

template <typename Type>
Type& titled(juce::Component& parent, const juce::String& title) {
  for (auto* const component : all<Type>(parent))
    if (component->getTitle() == title) return *component;
  throw std::runtime_error("no " + title.toStdString());
}

juce::TextButton& button(juce::Component& parent, const juce::String& text) {
  for (auto* const component : all<juce::TextButton>(parent))
    if (component->getButtonText() == text) return *component;
  throw std::runtime_error("no button " + text.toStdString());
}

bool says(juce::Component& parent, const juce::String& text) {
  for (auto* const label : all<juce::Label>(parent))
    if (label->isVisible() && label->getText().contains(text)) return true;
  return false;
}

void type(juce::Slider& slider, const juce::String& text) {
  all<juce::Label>(slider).at(0)->setText(text, juce::sendNotificationSync);
}
}  // namespace

TEST_CASE("Editor: opens and closes a hundred times, before the host sets a rate and during playback") {
  const int channels = GENERATE(1, 2, 8);
  const bool plays = GENERATE(false, true);
  Opened plugin;
  const auto layout = juce::AudioChannelSet::canonicalChannelSet(channels);
  REQUIRE(plugin.processor.setBusesLayout({{layout}, {layout}}));
  if (plays) plugin.prepare(48'000.0);
  std::atomic<bool> stop{false};
  std::thread audio([&] {
    juce::AudioBuffer<float> block(channels, 512);
    juce::MidiBuffer midi;
    juce::Random random(7);
    while (plays && !stop) {
      for (int i = 0; i < block.getNumSamples(); ++i)
        for (int channel = 0; channel < channels; ++channel) block.setSample(channel, i, random.nextFloat() - 0.5f);
      plugin.processor.processBlock(block, midi);
    }
  });
  for (int i = 0; i < 100; ++i) {
    plugin.editor.reset();
    CHECK_FALSE(plugin.processor.meters().watched);
    plugin.open();
    CHECK(plugin.processor.meters().watched);
    plugin.editor->refresh(1.0 / 30.0);
  }
  CHECK(plugin.editor->createComponentSnapshot(plugin.editor->getLocalBounds()).isValid());
  stop = true;
  audio.join();
}

TEST_CASE("Editor: the controls follow automation") {
  Opened plugin;
  auto& parameters = plugin.processor.parameters();
  parameters.crossover = 5'000.0f;
  parameters.mix = 0.25f;
  parameters.outputGain = -12.5f;
  parameters.bypass = true;
  CHECK(titled<juce::Slider>(*plugin.editor, "Crossover").getTextFromValue(5'000.0) == "5000 Hz");
  CHECK(titled<juce::Slider>(*plugin.editor, "Crossover").getValue() == 5'000.0);
  CHECK(says(titled<juce::Slider>(*plugin.editor, "Mix"), "25.0 %"));
  CHECK(says(titled<juce::Slider>(*plugin.editor, "Output gain"), "-12.5 dB"));
  CHECK(button(*plugin.editor, "Bypassed").getToggleState());

  parameters.mode = 1;
  CHECK(button(*plugin.editor, "Full").getToggleState());
  CHECK_FALSE(button(*plugin.editor, "Extend").getToggleState());
  CHECK_FALSE(titled<juce::Slider>(*plugin.editor, "Crossover").isEnabled());
  CHECK_FALSE(titled<juce::Slider>(*plugin.editor, "High band gain").isEnabled());
  CHECK(titled<juce::Slider>(*plugin.editor, "Mix").isEnabled());
}

TEST_CASE("Editor: values can be typed, and text that is not a number changes nothing") {
  Opened plugin;
  auto& crossover = titled<juce::Slider>(*plugin.editor, "Crossover");
  auto& gain = titled<juce::Slider>(*plugin.editor, "Output gain");
  auto& mix = titled<juce::Slider>(*plugin.editor, "Mix");
  const auto& parameters = plugin.processor.parameters();
  for (const auto& [typed, hz] :
       {std::pair("6500", 6'500.0f), std::pair("5000 Hz", 5'000.0f), std::pair("6.1k", 6'100.0f),
        std::pair("5,5 kHz", 5'500.0f), std::pair("loud", 5'500.0f), std::pair("99999", 8'000.0f)}) {
    INFO(typed);
    type(crossover, typed);
    CHECK(parameters.crossover.get() == Approx(hz));
  }
  type(gain, "-6,5 dB");
  CHECK(parameters.outputGain.get() == Approx(-6.5f));
  type(mix, "40");
  CHECK(parameters.mix.get() == Approx(0.4f));
  type(mix, "55 %");
  CHECK(parameters.mix.get() == Approx(0.55f));
}

TEST_CASE("Editor: buttons set parameters; Delete and a double click restore the default") {
  Opened plugin;
  auto& parameters = plugin.processor.parameters();
  button(*plugin.editor, "Reference").setToggleState(true, juce::sendNotificationSync);
  CHECK(parameters.frontEnd.getIndex() == 1);
  button(*plugin.editor, "Clean").setToggleState(true, juce::sendNotificationSync);
  CHECK(parameters.frontEnd.getIndex() == 0);

  auto& gain = titled<juce::Slider>(*plugin.editor, "High band gain");
  parameters.highBandGain = 6.0f;
  CHECK(gain.keyPressed(juce::KeyPress(juce::KeyPress::downKey)));
  CHECK(parameters.highBandGain.get() == Approx(5.5f));
  CHECK(gain.keyPressed(juce::KeyPress(juce::KeyPress::deleteKey)));
  CHECK(parameters.highBandGain.get() == 0.0f);
  CHECK(gain.isDoubleClickReturnEnabled());
  CHECK_FALSE(gain.keyPressed(juce::KeyPress(juce::KeyPress::spaceKey)));  // starts the host's transport
}

TEST_CASE("Editor: the size is kept when the editor is closed, and in the session") {
  juce::MemoryBlock session;
  {
    Opened plugin;
    plugin.editor->setSize(1'234, 765);
    plugin.editor.reset();
    plugin.open();
    CHECK(plugin.editor->getBounds().withZeroOrigin() == juce::Rectangle<int>(1'234, 765));
    plugin.processor.getStateInformation(session);
  }
  Opened plugin;
  plugin.editor.reset();
  plugin.processor.setStateInformation(session.getData(), static_cast<int>(session.getSize()));
  plugin.open();
  CHECK(plugin.editor->getBounds().withZeroOrigin() == juce::Rectangle<int>(1'234, 765));

  plugin.editor.reset();
  plugin.processor.setEditorSize({1'000'000, -5});  // larger than any screen: a damaged session
  plugin.open();
  CHECK(plugin.editor->getWidth() == plugin.editor->getConstrainer()->getMaximumWidth());
  CHECK(plugin.editor->getHeight() > 100);
}

TEST_CASE("Editor: shows the model, the latency, and why a file was rejected") {
  Opened plugin;
  plugin.prepare(48'000.0);
  CHECK(says(*plugin.editor, "Built-in weights"));
  CHECK(says(*plugin.editor, "144 samples (3.00 ms)"));
  CHECK_FALSE(button(*plugin.editor, "Reset weights").isEnabled());

  const juce::TemporaryFile file("notes.safetensors");
  file.getFile().replaceWithText("these are no weights");
  CHECK(plugin.editor->isInterestedInFileDrag({file.getFile().getFullPathName()}));
  CHECK_FALSE(plugin.editor->isInterestedInFileDrag({"/tmp/song.wav"}));
  CHECK_FALSE(plugin.editor->isInterestedInFileDrag({"/tmp/one.ts", "/tmp/two.ts"}));
  plugin.editor->filesDropped({file.getFile().getFullPathName()}, 0, 0);
  CHECK(says(*plugin.editor, file.getFile().getFileName() + " is not"));
  CHECK(says(*plugin.editor, "Built-in weights"));
  button(*plugin.editor, "Dismiss").onClick();
  CHECK_FALSE(says(*plugin.editor, "is not"));
}

TEST_CASE("Editor: shows why the input passes through") {
  Opened plugin;
  plugin.prepare(16'000.0);
  CHECK(says(*plugin.editor, "16 kHz or less: nothing to add"));
  plugin.prepare(400'000.0);
  CHECK(says(*plugin.editor, "not supported"));
  plugin.prepare(48'000.0);
  CHECK_FALSE(says(*plugin.editor, "passing through"));
}

TEST_CASE("Editor: shows the verdict on the input's band once there is enough data") {
  struct Case {
    double topHz;
    double level;
    const char* expected;
  };
  const auto [topHz, level, expected] =
      GENERATE(Case{7'900.0, 0.1, ": extend it"}, Case{0.0, 0.1, "already full band to 24.0 kHz: nothing to extend"},
               Case{3'400.0, 0.1, "the model wide fills it"}, Case{0.0, 0.0, "silence: nothing to extend"});
  Opened plugin;
  plugin.play(bandNoise(topHz, 48'000.0, 1.0, level));
  CHECK(says(*plugin.editor, "Input: listening..."));
  plugin.play(bandNoise(topHz, 48'000.0, 3.0, level));
  CHECK(says(*plugin.editor, expected));
  CHECK_FALSE(says(*plugin.editor, "listening"));
}

TEST_CASE("Editor: the model wide has no crossover to set, and the verdict is on the band that it detects") {
  Opened plugin;
  button(*plugin.editor, "Wide").setToggleState(true, juce::sendNotificationSync);
  plugin.processor.followModelParameter();
  CHECK_FALSE(titled<juce::Slider>(*plugin.editor, "Crossover").isEnabled());
  CHECK_FALSE(button(*plugin.editor, "Extend").isEnabled());
  CHECK(titled<juce::Slider>(*plugin.editor, "High band gain").isEnabled());
  const auto [topHz, level, expected] =
      GENERATE(table<double, double, const char*>({{3'400.0, 0.1, "Input: sound to 3.2 kHz: extend it"},
                                                   {0.0, 0.1, "already full band to 24.0 kHz: nothing to extend"},
                                                   {0.0, 0.0, "silence: nothing to extend"}}));
  plugin.play(bandNoise(topHz, 48'000.0, 4.0, level));
  INFO(titled<juce::Label>(*plugin.editor, "Input").getText());
  CHECK(says(*plugin.editor, expected));
  CHECK(says(*plugin.editor, "Built-in weights"));
  CHECK_FALSE(button(*plugin.editor, "Reset weights").isEnabled());
  const int latency = plugin.processor.getLatencySamples();
  CHECK(says(*plugin.editor, "Latency " + juce::String(latency) + " samples"));
  CHECK(latency > 500);

  button(*plugin.editor, "Base").setToggleState(true, juce::sendNotificationSync);
  plugin.processor.followModelParameter();
  CHECK(titled<juce::Slider>(*plugin.editor, "Crossover").isEnabled());
  CHECK(plugin.processor.getLatencySamples() == 144);
}

TEST_CASE("Editor: a preset chooses the model and its brightness, and leaves the output gain") {
  Opened plugin;
  auto& parameters = plugin.processor.parameters();
  parameters.mix = 0.5f;
  parameters.outputGain = -3.0f;
  for (const auto& preset : presets()) {
    INFO(preset.name);
    preset.apply(parameters);
    CHECK(parameters.model.getIndex() == (juce::String(preset.name) == "Voice" ? 0 : 1));
    CHECK(parameters.highBandGain.get() == Approx(preset.highBandGainDecibels));
    CHECK(parameters.mix.get() == 1.0f);
    CHECK(parameters.outputGain.get() == Approx(-3.0f));
  }
  CHECK(presets().size() == 3);
}

TEST_CASE("Editor: a preset is a complete gesture of each parameter that it sets") {
  struct Gestures final : juce::AudioProcessorParameter::Listener {
    bool open = false;
    int complete = 0, outside = 0;
    void parameterValueChanged(int, float) override { outside += !open; }
    void parameterGestureChanged(int, bool starts) override {
      open = starts;
      complete += !starts;
    }
  } gestures;
  PluginProcessor processor;
  auto& parameters = processor.parameters();
  parameters.mode = 1;
  for (auto* const parameter : parameters.all()) parameter->addListener(&gestures);
  presets()[1].apply(parameters);
  for (auto* const parameter : parameters.all()) parameter->removeListener(&gestures);
  CHECK(parameters.mode.getIndex() == 0);
  CHECK(gestures.complete == 6);
  CHECK(gestures.outside == 0);
}

TEST_CASE("Editor: a session restored while a change of the model is pending keeps its weights") {
  const auto& built_in = *novasr::default_model();
  std::vector<float> values(built_in.values().begin(), built_in.values().end());
  values.back() += 0.5f;
  juce::MemoryBlock session;
  PluginState{.model = {.model = built_in.family().make(values)}}.write(session);
  PluginProcessor processor;
  std::atomic<bool> done{false};
  std::thread follower([&] {
    while (!done) processor.followModelParameter();
  });
  int kept = 0;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    processor.parameters().model = 1;
    processor.setStateInformation(session.getData(), static_cast<int>(session.getSize()));
    processor.followModelParameter();
    kept += std::ranges::equal(processor.enhancer().model().model->values(), values);
  }
  done = true;
  follower.join();
  CHECK(kept == kRounds);
  CHECK(processor.parameters().model.getIndex() == 0);
  CHECK(processor.getLatencySamples() == 144);
}

TEST_CASE("Editor: the detected band edge is unknown after a change of the model while playback is stopped") {
  Opened plugin;
  plugin.processor.parameters().model = 1;
  plugin.processor.followModelParameter();
  plugin.play(bandNoise(3'400.0, 48'000.0, 2.0));
  CHECK(plugin.processor.enhancer().cutoffHz() > 0.0f);
  SECTION("released") {
    plugin.processor.releaseResources();
  }
  SECTION("reset") {
    plugin.processor.reset();
  }
  SECTION("another model") {
    plugin.processor.parameters().model = 0;
    plugin.processor.followModelParameter();
  }
  SECTION("another rate") {
    plugin.prepare(96'000.0);
  }
  CHECK(plugin.processor.enhancer().cutoffHz() == 0.0f);
}

TEST_CASE("Editor: shows no verdict at rates with nothing to extend") {
  Opened plugin;
  plugin.play(bandNoise(7'900.0, 48'000.0, 4.0));
  REQUIRE(says(*plugin.editor, "Input: "));
  plugin.prepare(16'000.0);
  CHECK_FALSE(says(*plugin.editor, "Input: "));
}

TEST_CASE("Editor: every verdict fits into the smallest window") {
  Opened plugin;
  const auto& limits = *plugin.editor->getConstrainer();
  plugin.editor->setSize(limits.getMinimumWidth(), limits.getMinimumHeight());
  const auto& label = titled<juce::Label>(*plugin.editor, "Input");
  for (const double bandwidth : {3'450.0, 11'950.0, 15'800.0, 17'900.0, 24'000.0}) {
    const juce::String text("Input: " + novasr::judge_band(bandwidth, 44'100.0).text);
    INFO(text);
    CHECK(label.getFont().getStringWidth(text) <= label.getWidth());
  }
}

TEST_CASE("Editor: shows why a session was rejected") {
  Opened plugin;
  plugin.processor.setStateInformation("garbage", 7);
  plugin.editor->refresh(1.0);
  CHECK(says(*plugin.editor, plugin.processor.stateProblem()));
  REQUIRE(plugin.processor.stateProblem().isNotEmpty());
  button(*plugin.editor, "Dismiss").onClick();
  CHECK_FALSE(says(*plugin.editor, plugin.processor.stateProblem()));
}

TEST_CASE("Editor: Tab reaches every control once, in reading order, and each has a name and a tooltip") {
  Opened plugin;
  juce::StringArray titles;
  const auto traverser = plugin.editor->createKeyboardFocusTraverser();
  for (auto* const control : traverser->getAllComponents(plugin.editor.get())) {
    titles.add(control->getTitle().isNotEmpty() ? control->getTitle() : control->getName());
    CHECK(dynamic_cast<juce::SettableTooltipClient&>(*control).getTooltip().isNotEmpty());
  }
  CHECK(titles.joinIntoString("; ") ==
        "Model: base; Model: wide; Mode: extend; Mode: full; Front end: clean; Front end: reference; "
        "Crossover; Mix; High band gain; Output gain; Bypass; Presets...; Load weights...");
}

TEST_CASE("Editor: nothing is clipped or overlaps between the smallest and the largest size") {
  Opened plugin;
  plugin.prepare(16'000.0);  // with a message
  const auto& limits = *plugin.editor->getConstrainer();
  const bool large = GENERATE(false, true);
  plugin.editor->setSize(large ? limits.getMaximumWidth() : limits.getMinimumWidth(),
                         large ? limits.getMaximumHeight() : limits.getMinimumHeight());
  for (auto* const component : all<juce::Component>(*plugin.editor)) {
    INFO(component->getTitle() << " " << component->getName());
    auto* const parent = component->getParentComponent();
    if (!component->isVisible() || dynamic_cast<juce::TooltipWindow*>(component) != nullptr) continue;
    CHECK_FALSE(component->getBounds().isEmpty());
    CHECK(parent->getLocalBounds().contains(component->getBounds()));
    for (auto* const sibling : parent->getChildren())
      if (sibling != component && sibling->isVisible() &&
          dynamic_cast<juce::ResizableCornerComponent*>(sibling) == nullptr &&
          dynamic_cast<juce::ResizableCornerComponent*>(component) == nullptr)
        CHECK_FALSE(sibling->getBounds().intersects(component->getBounds()));
  }
  for (auto* const label : all<juce::Label>(*plugin.editor))
    if (label->isVisible() && !label->isBeingEdited()) {
      INFO(label->getText());
      CHECK(label->getFont().getStringWidth(label->getText()) <= label->getWidth());
    }
}
