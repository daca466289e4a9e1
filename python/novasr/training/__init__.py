"""Training the network: recordings to degraded pairs, to losses, to weights."""
