"""The parts of `./run bench engine`."""
