"""Tests of autograd beside pencil and paper."""
