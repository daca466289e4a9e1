"""The weights of NovaSR's model studio and its bank of real high bands, which the package novasr reads."""
