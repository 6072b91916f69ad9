"""What must hold for all values, tried on many made at random."""
