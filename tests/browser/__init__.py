"""Pictures as a real browser shows them."""
