"""What the tests of every kind share: repositories, goals, graphs, strikes, golden files."""
