"""Invented practices of any size: the demo, and data to measure with. Writes to every app, so it lies above all."""
