"""The network on a GPU: segments of many recordings at once, by one fused kernel or by PyTorch's layers."""
