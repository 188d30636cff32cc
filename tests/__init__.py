"""Tests; README.md says where one goes."""
