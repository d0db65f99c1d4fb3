"""Tests of pictures: first what they show, then how they are written."""
