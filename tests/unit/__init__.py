"""Values only: no repository, no process."""
