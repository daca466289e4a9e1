#pragma once
#include <pybind11/numpy.h>

/// float32 of shape (frames, channels), C order: the layout of soundfile and sounddevice.
using InterleavedArray = pybind11::array_t<float, pybind11::array::c_style>;
