"""Use cases in this process, on real repositories."""
