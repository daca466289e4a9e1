"""Families of networks: a folder holds all that one architecture needs in PyTorch."""
