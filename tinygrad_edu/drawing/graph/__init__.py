"""The computation graph as a picture: what stands in which node, and on which edge."""
