"""The VST3 plugin, of the package novasr-plugin: as an effect of pedalboard, where it lies, and what it stores."""
