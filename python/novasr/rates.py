"""The two rates of the model, in Hz."""

MODEL_INPUT_HZ = 16_000
MODEL_OUTPUT_HZ = 48_000
