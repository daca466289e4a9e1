#include "WeightsFile.h"

#include <bit>
#include <cstring>
#include <span>
#include <string>

#include "JsonHeader.h"
#include "novasr/errors.hpp"

namespace
{
constexpr juce::int64 largestFile = 16 * 1024 * 1024; // 52 kB is what a checkpoint takes
constexpr juce::uint64 largestHeader = 64 * 1024;

struct Tensor
{
    const char* name;
    size_t count;
};

/// In the order of ModelWeights::from_values().
constexpr Tensor tensors[] = { { "conv_pre.weight", 32 * 7 },
                               { "conv_pre.bias", 32 },
                               { "resblocks.0.convs1.0.weight", 32 * 32 * 11 },
                               { "resblocks.0.convs1.0.bias", 32 },
                               { "resblocks.0.convs2.0.weight", 32 * 32 * 11 },
                               { "resblocks.0.convs2.0.bias", 32 },
                               { "resblocks.0.activations.0.act.alpha", 32 },
                               { "resblocks.0.activations.0.act.beta", 32 },
                               { "resblocks.0.activations.0.upsample.filter", 12 },
                               { "resblocks.0.activations.0.downsample.lowpass.filter", 12 },
                               { "resblocks.0.activations.1.act.alpha", 32 },
                               { "resblocks.0.activations.1.act.beta", 32 },
                               { "resblocks.0.activations.1.upsample.filter", 12 },
                               { "resblocks.0.activations.1.downsample.lowpass.filter", 12 },
                               { "conv_post.weight", 32 * 7 } };

[[noreturn]] void fail (const juce::String& reason) { throw novasr::ModelError (reason.toStdString()); }

/// IEEE 754 binary16.
float halfToFloat (juce::uint16 bits)
{
    const auto sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
    const int exponent = (bits >> 10) & 0x1f;
    const auto fraction = static_cast<float> (bits & 0x3ffu);
    if (exponent == 31)
        return sign *
               (fraction > 0.0f ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity());
    return sign * (exponent == 0 ? std::ldexp (fraction, -24) : std::ldexp (1024.0f + fraction, exponent - 25));
}

float bfloatToFloat (juce::uint16 bits) { return std::bit_cast<float> (static_cast<juce::uint32> (bits) << 16); }

juce::uint16 read16 (const char* bytes) { return juce::ByteOrder::littleEndianShort (bytes); }

void appendValues (const juce::String& type, std::span<const char> bytes, size_t count, std::vector<float>& values)
{
    const size_t width = type == "F32" ? 4 : type == "F16" || type == "BF16" ? 2 : 0;
    if (width == 0)
        fail ("holds values of type " + type + "; F32, F16 and BF16 can be used");
    if (bytes.size() != count * width)
        fail ("is not a NovaSR checkpoint: a tensor has another size");
    for (size_t i = 0; i < count; ++i)
    {
        const char* at = bytes.data() + i * width;
        values.push_back (type == "F32"   ? std::bit_cast<float> (juce::ByteOrder::littleEndianInt (at))
                          : type == "F16" ? halfToFloat (read16 (at))
                                          : bfloatToFloat (read16 (at)));
    }
}

const juce::var* findTensor (juce::DynamicObject& header, const char* name)
{
    for (const auto* prefix : { "", "dec." }) // upstream stores the network as the decoder of a larger model
        if (const auto* entry = header.getProperties().getVarPointer (juce::Identifier (juce::String (prefix) + name)))
            return entry;
    return nullptr;
}
} // namespace

novasr::ModelWeights readWeights (const juce::File& file)
{
    if (! file.existsAsFile())
        fail ("is not there");
    if (! file.hasFileExtension ("safetensors"))
        fail ("is not a .safetensors file; convert PyTorch weights with: novasr export OUT.safetensors --weights "
              "FILE.bin");
    juce::MemoryBlock content;
    if (file.getSize() > largestFile || ! file.loadFileAsData (content) || content.getSize() < 8)
        fail ("is not a .safetensors file of a NovaSR checkpoint");
    const auto* const bytes = static_cast<const char*> (content.getData());
    const auto headerSize = juce::ByteOrder::littleEndianInt64 (bytes);
    if (headerSize > std::min<juce::uint64> (largestHeader, content.getSize() - 8))
        fail ("is not a .safetensors file of a NovaSR checkpoint");
    const auto header = parseHeader ({ bytes + 8, static_cast<size_t> (headerSize) });
    auto* const object = header.getDynamicObject();
    if (object == nullptr)
        fail ("is not a .safetensors file");

    const std::span<const char> data (bytes + 8 + headerSize, content.getSize() - 8 - static_cast<size_t> (headerSize));
    std::vector<float> values;
    values.reserve (novasr::ModelWeights::kValueCount);
    for (const auto& tensor : tensors)
    {
        const auto* const entry = findTensor (*object, tensor.name);
        if (entry == nullptr)
            fail (juce::String ("is not a NovaSR checkpoint: it lacks ") + tensor.name);
        const auto offsets = entry->getProperty ("data_offsets", {});
        if (offsets.size() != 2)
            fail (juce::String ("is damaged: ") + tensor.name + " lies nowhere in it");
        const auto first = static_cast<juce::int64> (offsets[0]);
        const auto last = static_cast<juce::int64> (offsets[1]);
        if (first < 0 || last < first || static_cast<size_t> (last) > data.size())
            fail (juce::String ("is damaged: ") + tensor.name + " lies outside it");
        appendValues (entry->getProperty ("dtype", {}).toString(),
                      data.subspan (static_cast<size_t> (first), static_cast<size_t> (last - first)), tensor.count,
                      values);
    }
    return novasr::ModelWeights::from_values (values);
}

std::vector<float> valuesOf (const novasr::ModelWeights& weights)
{
    std::vector<float> values;
    values.reserve (novasr::ModelWeights::kValueCount);
    const auto append = [&] (const auto&... parts) { (values.insert (values.end(), parts.begin(), parts.end()), ...); };
    append (weights.conv_pre_weight, weights.conv_pre_bias);
    append (weights.conv1_weight, weights.conv1_bias, weights.conv2_weight, weights.conv2_bias);
    for (const auto& activation : weights.activations)
        append (activation.alpha, activation.beta, activation.upsample_filter, activation.downsample_filter);
    append (weights.conv_post_weight);
    return values;
}
