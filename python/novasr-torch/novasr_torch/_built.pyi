"""Written by the build."""

#: The release of PyTorch that the library was built against, and needs.
TORCH_VERSION: str
