#include "PluginEditor.h"

#include <utility>

#include "../Presets.h"
#include "../TorchLibrary.h"

namespace
{
constexpr int framesPerSecond = 30;
constexpr double statusSeconds = 0.25; // values that change more often are unreadable

constexpr int defaultWidth = 900, defaultHeight = 560;
constexpr int smallestWidth = 680, smallestHeight = 440;
constexpr int largestWidth = 2'000, largestHeight = 1'300;

constexpr int margin = 12;
constexpr int gap = 10;
constexpr int headerHeight = 28;
constexpr int metersWidth = 108;

constexpr auto modelFiles = "*.safetensors;*.ts";

bool isModel (const juce::File& file) { return file.hasFileExtension ("safetensors;ts"); }

juce::String loadTooltip()
{
    const juce::String tooltip = "Weights (.safetensors) or a TorchScript (.ts); or drop a file here";
    return findTorchLibrary() != juce::File()
               ? tooltip
               : tooltip + ". TorchScript needs LibTorch: pip install 'novasr[torch]', then: novasr plugin install";
}

juce::String nameOf (const PluginModel& model, std::uint64_t lateFrames)
{
    if (model.script != juce::File())
        return "TorchScript " + model.script.getFileName() + ", late frames: " + juce::String (lateFrames);
    if (model.isBuiltIn())
        return "Built-in weights";
    return model.weightsName.isNotEmpty() ? model.weightsName : "Weights of the session";
}

/// Explains an unexpected output.
juce::String noteOn (const Enhancer& enhancer)
{
    switch (enhancer.idle())
    {
    case Enhancer::Idle::noBandToAdd:
        return "16 kHz or less: nothing to add, passing through";
    case Enhancer::Idle::unsupportedRate:
        return "Sample rate below 8 or above 192 kHz: not supported, passing through";
    case Enhancer::Idle::no:
        break;
    }
    return enhancer.failedBlocks() > 0 ? "The TorchScript has failed and is silent; restart playback, or load another"
                                       : juce::String();
}
} // namespace

PluginEditor::PluginEditor (PluginProcessor& owner)
    : AudioProcessorEditor (owner),
      processor_ (owner),
      bypassAttachment_ (owner.parameters().bypass, bypass_),
      spectrum_ (owner.parameters(), owner.meters()),
      levels_ (owner.meters()),
      controls_ (owner.parameters())
{
    setLookAndFeel (&theme_);
    setTitle (processor_.getName());
    setWantsKeyboardFocus (true); // otherwise a click beside the controls would focus the first one
    setFocusContainerType (FocusContainerType::keyboardFocusContainer);
    int order = 0;
    for (juce::Component* part : std::initializer_list<juce::Component*>{ &controls_, &bypass_, &presets_, &load_,
                                                                          &reset_, &status_, &spectrum_, &levels_ })
    {
        addAndMakeVisible (part);
        part->setExplicitFocusOrder (++order);
    }

    presets_.setTooltip ("Settings for a kind of input: the model with its built-in weights, and its brightness");
    presets_.onClick = [this] { choosePreset(); };
    load_.setTooltip (loadTooltip());
    load_.onClick = [this] { chooseFile(); };
    reset_.setTooltip ("Back to the built-in weights");
    reset_.onClick = [this] { resetModel(); };
    bypass_.setTooltip ("Passes the input through unchanged, with the same latency");
    bypass_.setClickingTogglesState (true);
    bypass_.setColour (juce::TextButton::buttonOnColourId, palette::warning);
    bypass_.onStateChange = [this] { bypass_.setButtonText (bypass_.getToggleState() ? "Bypassed" : "Bypass"); };
    bypass_.onStateChange();
    for (auto* const button : { &presets_, &load_, &reset_, &bypass_ })
        useKeyboard (*button);
    status_.onDismiss = [this]
    {
        loadProblem_.clear();
        dismissedProblem_ = processor_.stateProblem();
        showStatus();
    };

    processor_.meters().watched = true;
    setResizable (true, true);
    const auto size = processor_.editorSize();
    showStatus();
    setResizeLimits (smallestWidth, smallestHeight, largestWidth, largestHeight);
    setSize (juce::jlimit (smallestWidth, largestWidth, size.x > 0 ? size.x : defaultWidth),
             juce::jlimit (smallestHeight, largestHeight, size.y > 0 ? size.y : defaultHeight));
    lastRefresh_ = juce::Time::getMillisecondCounterHiRes();
    startTimerHz (framesPerSecond);
}

PluginEditor::~PluginEditor()
{
    stopTimer();
    processor_.meters().watched = false;
    processor_.editorBeingDeleted (this);
    setLookAndFeel (nullptr);
}

void PluginEditor::timerCallback()
{
    const auto now = juce::Time::getMillisecondCounterHiRes();
    refresh (0.001 * (now - std::exchange (lastRefresh_, now)));
}

void PluginEditor::refresh (double seconds)
{
    auto& enhancer = processor_.enhancer();
    const auto rate = processor_.getSampleRate();
    spectrum_.refresh (seconds, rate,
                       { .restoring = rate > 0.0 && enhancer.idle() == Enhancer::Idle::no,
                         .detects = enhancer.detectsBand(),
                         .cutoffHz = enhancer.cutoffHz() });
    levels_.refresh (seconds);
    secondsToStatus_ -= seconds;
    if (secondsToStatus_ <= 0.0)
        showStatus();
}

void PluginEditor::showStatus()
{
    secondsToStatus_ = statusSeconds;
    const auto height = status_.heightFor (getWidth());
    status_.show (status());
    const auto model = processor_.enhancer().model();
    reset_.setEnabled (! model.soundsLike (PluginModel::builtIn (processor_.enhancer().choice())));
    if (status_.heightFor (getWidth()) != height)
        resized();
}

StatusBar::Content PluginEditor::status() const
{
    auto& enhancer = processor_.enhancer();
    const auto rate = processor_.getSampleRate();
    const auto latency = processor_.getLatencySamples();
    StatusBar::Content content;
    content.playing = nameOf (enhancer.model(), enhancer.lateFrames());
    if (rate > 0.0)
    {
        content.latency =
            "Latency " + juce::String (latency) + " samples (" + juce::String (1'000.0 * latency / rate, 2) + " ms)";
        content.load = "CPU " + juce::String (100.0f * processor_.meters().load.load(), 1) + " %";
    }
    const auto stateProblem = processor_.stateProblem();
    if (loadProblem_.isNotEmpty())
        content.message = loadProblem_;
    else if (stateProblem != dismissedProblem_)
        content.message = stateProblem;
    content.isError = content.message.isNotEmpty();
    if (! content.isError && rate > 0.0)
        content.message = noteOn (enhancer);
    return content;
}

void PluginEditor::chooseFile()
{
    const auto script = processor_.enhancer().model().script;
    const auto start = script != juce::File() ? script.getParentDirectory()
                                              : juce::File::getSpecialLocation (juce::File::userHomeDirectory);
    chooser_ = std::make_unique<juce::FileChooser> ("Load weights or a TorchScript", start, modelFiles);
    chooser_->launchAsync (juce::FileBrowserComponent::openMode | juce::FileBrowserComponent::canSelectFiles,
                           [this] (const juce::FileChooser& chooser)
                           {
                               if (const auto file = chooser.getResult(); file != juce::File())
                                   load (file);
                           });
}

void PluginEditor::load (const juce::File& file)
{
    loadProblem_ = processor_.loadModel (file);
    showStatus();
}

void PluginEditor::choosePreset()
{
    juce::PopupMenu menu;
    for (const auto& preset : presets())
        menu.addItem (preset.name,
                      [this, &preset]
                      {
                          preset.apply (processor_.parameters());
                          resetModel(); // the gains are for the built-in weights
                      });
    menu.showMenuAsync (juce::PopupMenu::Options().withTargetComponent (presets_).withDeletionCheck (*this));
}

void PluginEditor::resetModel()
{
    processor_.resetModel();
    loadProblem_.clear();
    showStatus();
}

void PluginEditor::paint (juce::Graphics& g)
{
    g.fillAll (palette::background);
    auto header = getLocalBounds().reduced (margin).removeFromTop (headerHeight);
    g.setColour (palette::text);
    g.setFont (textFont (20.0f, true));
    g.drawText (processor_.getName(), header, juce::Justification::centredLeft, false);
}

void PluginEditor::paintOverChildren (juce::Graphics& g)
{
    if (! fileIsOver_)
        return;
    g.fillAll (palette::background.withAlpha (0.8f));
    g.setColour (palette::output);
    g.drawRoundedRectangle (getLocalBounds().reduced (margin).toFloat(), 8.0f, 2.0f);
    g.setFont (textFont (20.0f, true));
    g.drawText ("Drop to load", getLocalBounds(), juce::Justification::centred, false);
}

void PluginEditor::resized()
{
    auto area = getLocalBounds().reduced (margin);
    auto header = area.removeFromTop (headerHeight);
    bypass_.setBounds (header.removeFromRight (metersWidth));
    header.removeFromRight (gap);
    reset_.setBounds (header.removeFromRight (116));
    header.removeFromRight (gap);
    load_.setBounds (header.removeFromRight (116));
    header.removeFromRight (gap);
    presets_.setBounds (header.removeFromRight (94));
    area.removeFromTop (gap);
    status_.setBounds (area.removeFromBottom (status_.heightFor (area.getWidth())));
    area.removeFromBottom (gap / 2);
    controls_.setBounds (area.removeFromBottom (ControlPanel::height));
    area.removeFromBottom (gap);
    levels_.setBounds (area.removeFromRight (metersWidth));
    area.removeFromRight (gap);
    spectrum_.setBounds (area);
    if (isTimerRunning()) // not during construction
        processor_.setEditorSize ({ getWidth(), getHeight() });
}

/// After a click beside the controls the editor itself has the focus: Tab then moves to the first control.
bool PluginEditor::keyPressed (const juce::KeyPress& key)
{
    if (! key.isKeyCode (juce::KeyPress::tabKey) || ! hasKeyboardFocus (false))
        return false;
    if (auto* const first = createKeyboardFocusTraverser()->getDefaultComponent (this))
        first->grabKeyboardFocus();
    return true;
}

bool PluginEditor::isInterestedInFileDrag (const juce::StringArray& files)
{
    return files.size() == 1 && isModel (files[0]);
}

void PluginEditor::fileDragEnter (const juce::StringArray&, int, int)
{
    fileIsOver_ = true;
    repaint();
}

void PluginEditor::fileDragExit (const juce::StringArray&)
{
    fileIsOver_ = false;
    repaint();
}

void PluginEditor::filesDropped (const juce::StringArray& files, int, int)
{
    fileIsOver_ = false;
    repaint();
    load (files[0]);
}
