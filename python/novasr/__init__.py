"""NovaSR Live: muffled 16 kHz speech in, crisp 48 kHz sound out, while it is being spoken."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from novasr import _renamed

if TYPE_CHECKING:
    from novasr._native import __version__ as __version__
    from novasr.audio.analysis import FileInfo, Verdict, file_info, judge_band, measure_bandwidth
    from novasr.errors import (
        AudioFileError,
        AudioFormatError,
        BankError,
        BankWarning,
        DeviceError,
        FullBandWarning,
        MissingPackageError,
        NovasrError,
        ParameterError,
        PassthroughWarning,
        PluginError,
        StreamError,
        WeightsError,
    )
    from novasr.offline.arrays import enhance
    from novasr.offline.files import EnhanceResult, enhance_file
    from novasr.plugin.effect import NovaSR as NovaSR
    from novasr.stream import Stream, StreamStats
    from novasr.upstream import FastSR
    from novasr.weights.export import export_onnx, export_torchscript, export_weights
    from novasr.weights.load import load_model

# Public name -> module: each is imported when it is first used, so that `import novasr` stays quick.
_HOMES = {
    "__version__": "_native",
    "AudioFileError": "errors",
    "AudioFormatError": "errors",
    "BankError": "errors",
    "BankWarning": "errors",
    "DeviceError": "errors",
    "EnhanceResult": "offline.files",
    "FastSR": "upstream",
    "FileInfo": "audio.analysis",
    "FullBandWarning": "errors",
    "MissingPackageError": "errors",
    "NovaSR": "plugin.effect",
    "NovasrError": "errors",
    "ParameterError": "errors",
    "PassthroughWarning": "errors",
    "PluginError": "errors",
    "Stream": "stream",
    "StreamError": "errors",
    "StreamStats": "stream",
    "Verdict": "audio.analysis",
    "WeightsError": "errors",
    "enhance": "offline.arrays",
    "enhance_file": "offline.files",
    "export_onnx": "weights.export",
    "export_torchscript": "weights.export",
    "export_weights": "weights.export",
    "file_info": "audio.analysis",
    "judge_band": "audio.analysis",
    "load_model": "weights.load",
    "measure_bandwidth": "audio.analysis",
}

# All but NovaSR, so that `from novasr import *` does not need pedalboard.
__all__ = [
    "AudioFileError",
    "AudioFormatError",
    "BankError",
    "BankWarning",
    "DeviceError",
    "EnhanceResult",
    "FastSR",
    "FileInfo",
    "FullBandWarning",
    "MissingPackageError",
    "NovasrError",
    "ParameterError",
    "PassthroughWarning",
    "PluginError",
    "Stream",
    "StreamError",
    "StreamStats",
    "Verdict",
    "WeightsError",
    "enhance",
    "enhance_file",
    "export_onnx",
    "export_torchscript",
    "export_weights",
    "file_info",
    "judge_band",
    "load_model",
    "measure_bandwidth",
]


def __getattr__(name: str) -> Any:
    if f"novasr.{name}" in _renamed.MOVED:
        return import_module(f"novasr.{name}")
    if name not in _HOMES:
        msg = f"module 'novasr' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"novasr.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


_renamed.find_moved_modules()
