"""The folder of the VST3 bundle, which the package novasr finds (novasr.plugin.bundle)."""
