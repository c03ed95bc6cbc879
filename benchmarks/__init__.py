"""What measures speed and memory, as ratios within one run; never part of the unit tests."""
