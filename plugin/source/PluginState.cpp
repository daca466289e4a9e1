#include "PluginState.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "JsonHeader.h"
#include "novasr/errors.hpp"

namespace
{
constexpr char magic[] = { 'N', 'v', 'S', 'R' };
constexpr juce::uint32 version = 2;
constexpr auto firstFamily = "novasr"; // the only family of version 1, which stores neither its name nor its size
constexpr size_t firstPrefixSize = 16; // of version 1
constexpr size_t prefixSize = 20;
constexpr size_t checkedFrom = 12;

/// CRC remainders of all bytes for the polynomial of ISO 3309, bits reversed.
constexpr auto crcTable = []
{
    std::array<juce::uint32, 256> table{};
    for (juce::uint32 byte = 0; byte < table.size(); ++byte)
    {
        table[byte] = byte;
        for (int bit = 0; bit < 8; ++bit)
            table[byte] = (table[byte] >> 1) ^ ((table[byte] & 1u) != 0 ? 0xedb88320u : 0u);
    }
    return table;
}();

juce::uint32 crc32 (std::span<const char> bytes)
{
    auto crc = ~juce::uint32{ 0 };
    for (const char byte : bytes)
        crc = (crc >> 8) ^ crcTable[(crc ^ static_cast<juce::uint8> (byte)) & 0xffu];
    return ~crc;
}

juce::uint32 read32 (const char* bytes) { return juce::ByteOrder::littleEndianInt (bytes); }

[[noreturn]] void refuse (const char* reason) { throw novasr::ModelError (reason); }

/// Merges surrogate pairs, which JUCE's JSON reader leaves as two halves.
juce::String joinSurrogates (const juce::String& text)
{
    juce::String joined;
    for (auto at = text.getCharPointer(); ! at.isEmpty();)
    {
        const auto first = static_cast<juce::uint32> (at.getAndAdvance());
        const auto second = static_cast<juce::uint32> (*at);
        const bool pair = first >= 0xd800u && first < 0xdc00u && second >= 0xdc00u && second < 0xe000u;
        if (pair)
            ++at;
        joined +=
            static_cast<juce::juce_wchar> (pair ? 0x10000u + ((first - 0xd800u) << 10) + (second - 0xdc00u) : first);
    }
    return joined;
}

/// Reuses the built-in weights, which are one object in the whole program.
std::shared_ptr<const novasr::Model> sharedIfBuiltIn (const novasr::ModelFamily& family, std::vector<float> values)
{
    const auto builtIn = novasr::built_in_model (family);
    if (builtIn != nullptr && std::ranges::equal (builtIn->values(), values))
        return builtIn;
    return family.make (std::move (values));
}

std::vector<float> readFloats (std::span<const char> bytes)
{
    std::vector<float> values (bytes.size() / sizeof (float));
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::bit_cast<float> (read32 (bytes.data() + i * sizeof (float)));
    return values;
}
} // namespace

void PluginState::write (juce::MemoryBlock& destination) const
{
    auto values = std::make_unique<juce::DynamicObject>();
    for (const auto& parameter : parameters)
        values->setProperty (parameter.name, parameter.value);
    auto header = std::make_unique<juce::DynamicObject>();
    header->setProperty ("parameters", values.release());
    header->setProperty ("family", juce::String (std::string (model.model->family().name)));
    header->setProperty ("weights", model.weightsName);
    header->setProperty ("script", model.script.getFullPathName());
    if (problem.isNotEmpty())
        header->setProperty ("problem", problem);
    if (! editorSize.isOrigin())
        header->setProperty ("editor", juce::Array<juce::var>{ editorSize.x, editorSize.y });
    const auto json = juce::JSON::toString (juce::var (header.release()), true, 9);

    juce::MemoryOutputStream body;
    body.writeInt (static_cast<int> (json.getNumBytesAsUTF8()));
    body.writeInt (static_cast<int> (model.model->values().size()));
    body.write (json.toRawUTF8(), json.getNumBytesAsUTF8());
    for (const float value : model.model->values())
        body.writeFloat (value);

    juce::MemoryOutputStream out (destination, false);
    out.write (magic, sizeof magic);
    out.writeInt (static_cast<int> (version));
    out.writeInt (std::bit_cast<int> (crc32 ({ static_cast<const char*> (body.getData()), body.getDataSize() })));
    out.write (body.getData(), body.getDataSize());
}

PluginState PluginState::read (const void* data, size_t size)
{
    const auto* const bytes = static_cast<const char*> (data);
    if (size < prefixSize || std::memcmp (bytes, magic, sizeof magic) != 0)
        refuse ("this is not a NovaSR state");
    const auto stored = read32 (bytes + 4);
    if (stored > version)
        refuse ("this state was stored by a newer version of NovaSR");
    const size_t begin = stored < 2 ? firstPrefixSize : prefixSize;
    const size_t headerSize = read32 (bytes + 12);
    const size_t valueCount =
        stored < 2 ? novasr::model_family (firstFamily).value_count() : read32 (bytes + firstPrefixSize);
    const size_t weightBytes = valueCount * sizeof (float);
    if (size < begin + headerSize + weightBytes)
        refuse ("this state is cut off");
    const std::span<const char> checked (bytes + checkedFrom, begin - checkedFrom + headerSize + weightBytes);
    if (crc32 (checked) != read32 (bytes + 8))
        refuse ("this state is damaged");

    const auto header = parseHeader ({ bytes + begin, headerSize });
    if (header.isVoid())
        refuse ("this state is damaged");
    const auto& family = novasr::model_family (header.getProperty ("family", firstFamily).toString().toStdString());

    PluginState state;
    if (auto* const values = header.getProperty ("parameters", {}).getDynamicObject())
        state.parameters = values->getProperties();
    state.model.model = sharedIfBuiltIn (family, readFloats (checked.last (weightBytes)));
    state.model.weightsName = joinSurrogates (header.getProperty ("weights", {}).toString());
    if (const auto path = joinSurrogates (header.getProperty ("script", {}).toString());
        juce::File::isAbsolutePath (path))
        state.model.script = juce::File (path);
    if (const auto editor = header.getProperty ("editor", {}); editor.size() == 2)
        state.editorSize = { static_cast<int> (editor[0]), static_cast<int> (editor[1]) };
    return state;
}
