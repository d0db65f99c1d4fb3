"""A network as a picture: its layers as columns of neurons, or as blocks."""
