"""Commits a fault of the control library with the sanitized extension loaded: LIBRARY FAULT."""

import ctypes
import sys

import numpy as np

from novasr import _native

library, fault = sys.argv[1:]
print(_native.__file__, flush=True)
samples = np.zeros(1000, np.float32)
pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
getattr(ctypes.CDLL(library), fault)(pointer, ctypes.c_size_t(len(samples)))
