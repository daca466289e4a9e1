"""How far extended audio is from the real recording, and how fast engines make it."""
