#include "StatusBar.h"

#include "Theme.h"

namespace
{
constexpr int rowHeight = 24;
constexpr int lineHeight = 17;
constexpr int padding = 12;
constexpr int gap = 6;
constexpr int dismissWidth = 70;
constexpr int latencyWidth = 210;
constexpr int loadWidth = 92;
constexpr float cornerSize = 6.0f;

int messageHeight (int width, const juce::String& message)
{
    const auto room = width - dismissWidth - 3 * padding;
    const int lines = 1 + textFont().getStringWidth (message) / juce::jmax (1, room);
    return juce::jmin (lines, 3) * lineHeight + padding;
}
} // namespace

StatusBar::StatusBar()
{
    setTitle ("Status");
    for (auto* const label : { &message_, &playing_, &latency_, &load_ })
    {
        label->setFont (textFont());
        label->setBorderSize ({});
        label->setMinimumHorizontalScale (1.0f);
        label->setColour (juce::Label::textColourId, palette::dimText);
        addAndMakeVisible (label);
    }
    playing_.setColour (juce::Label::textColourId, palette::text);
    latency_.setJustificationType (juce::Justification::centredRight);
    load_.setJustificationType (juce::Justification::centredRight);
    load_.setTooltip ("Plugin processing time as a share of real time");
    useKeyboard (dismiss_);
    dismiss_.onClick = [this]
    {
        if (onDismiss)
            onDismiss();
    };
    addChildComponent (dismiss_);
}

void StatusBar::show (const Content& content)
{
    if (content == content_)
        return;
    const bool news = content.message != content_.message && content.message.isNotEmpty();
    content_ = content;
    playing_.setText (content.playing, juce::dontSendNotification);
    playing_.setTooltip (content.playing);
    latency_.setText (content.latency, juce::dontSendNotification);
    load_.setText (content.load, juce::dontSendNotification);
    message_.setText (content.message, juce::dontSendNotification);
    message_.setTooltip (content.message);
    message_.setColour (juce::Label::textColourId, content.isError ? palette::error : palette::warning);
    message_.setVisible (content.message.isNotEmpty());
    dismiss_.setVisible (content.isError);
    if (news)
        juce::AccessibilityHandler::postAnnouncement (content.message,
                                                      juce::AccessibilityHandler::AnnouncementPriority::medium);
    resized();
    repaint();
}

int StatusBar::heightFor (int width) const
{
    return rowHeight + (content_.message.isEmpty() ? 0 : messageHeight (width, content_.message) + gap);
}

void StatusBar::paint (juce::Graphics& g)
{
    if (content_.message.isEmpty())
        return;
    const auto box = getLocalBounds().withTrimmedBottom (rowHeight + gap).toFloat().reduced (0.5f);
    g.setColour (palette::panel);
    g.fillRoundedRectangle (box, cornerSize);
    g.setColour ((content_.isError ? palette::error : palette::warning).withAlpha (0.6f));
    g.drawRoundedRectangle (box, cornerSize, 1.0f);
}

void StatusBar::resized()
{
    auto area = getLocalBounds();
    auto row = area.removeFromBottom (rowHeight).reduced (padding, 0);
    load_.setBounds (row.removeFromRight (loadWidth));
    latency_.setBounds (row.removeFromRight (latencyWidth));
    playing_.setBounds (row);
    auto box = area.withTrimmedBottom (gap).reduced (padding, 0);
    if (dismiss_.isVisible())
        dismiss_.setBounds (box.removeFromRight (dismissWidth).withSizeKeepingCentre (dismissWidth, 22));
    message_.setBounds (box.withTrimmedRight (padding));
}
