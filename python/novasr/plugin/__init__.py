"""The VST3 plugin of this package: as an effect of pedalboard, where it lies, and what it stores."""
