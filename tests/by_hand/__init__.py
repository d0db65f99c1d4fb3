"""Tests of the hand-derived networks."""
