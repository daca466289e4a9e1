// JUCE's class for JPEG files, of which the plugin reads none: it recognises no file. Included by juce_graphics.cpp
// instead of JUCE's own, which needs libjpeg (plugin/CMakeLists.txt).
namespace juce
{
JPEGImageFormat::JPEGImageFormat()
    : quality (-1.0f)
{
}
JPEGImageFormat::~JPEGImageFormat() {}
void JPEGImageFormat::setQuality (float newQuality) { quality = newQuality; }
String JPEGImageFormat::getFormatName() { return "JPEG"; }
bool JPEGImageFormat::usesFileExtension (const File&) { return false; }
bool JPEGImageFormat::canUnderstand (InputStream&) { return false; }
Image JPEGImageFormat::decodeImage (InputStream&) { return {}; }
bool JPEGImageFormat::writeImageToStream (const Image&, OutputStream&) { return false; }
} // namespace juce
