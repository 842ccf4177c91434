"""Measurements: `./run bench NAME`. Each prints what was measured and on what machine."""
