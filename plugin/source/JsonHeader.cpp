#include "JsonHeader.h"

namespace
{
constexpr int deepest = 16;

bool isTooDeep (std::span<const char> json)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.size() && depth <= deepest; ++i)
    {
        const char c = json[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = ! quoted;
        else if (! quoted)
            depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    }
    return depth > deepest;
}
} // namespace

juce::var parseHeader (std::span<const char> utf8)
{
    if (isTooDeep (utf8))
        return {};
    return juce::JSON::parse (juce::String::fromUTF8 (utf8.data(), static_cast<int> (utf8.size())));
}
