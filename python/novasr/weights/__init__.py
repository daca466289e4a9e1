"""Weights of the network: found, checked, loaded and exported; the default ones lie beside this file."""
