"""Audio files: found, read to the end of what they hold, measured, drawn, written complete or not at all."""
