#pragma once
#include <pybind11/pybind11.h>

void bind_band(pybind11::module_& module);
void bind_cutoff(pybind11::module_& module);
void bind_engines(pybind11::module_& module);
void bind_live(pybind11::module_& module);
void bind_stream(pybind11::module_& module);
void bind_training(pybind11::module_& module);
