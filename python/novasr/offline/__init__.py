"""Whole recordings: arrays in memory, files, pipes."""
