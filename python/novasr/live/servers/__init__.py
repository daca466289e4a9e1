"""What is particular to a sound server: PulseAudio and PipeWire, JACK."""
