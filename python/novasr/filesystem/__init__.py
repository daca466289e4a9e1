"""Files on disk, whatever they hold: replaced whole or not at all, by one writer at a time."""
