"""The way back as a picture that moves: one edge at a time, with the chain rule beside it."""
