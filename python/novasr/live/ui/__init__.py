"""How a live stream is shown: a screen in the terminal, or lines of JSON."""
