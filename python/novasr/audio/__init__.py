"""Audio files: read to the end of what they hold, written complete or not at all."""
