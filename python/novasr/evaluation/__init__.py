"""How far extended audio is from the real recording: metrics, protocols, systems and reports."""
