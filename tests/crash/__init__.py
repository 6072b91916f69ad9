"""Kills, full disks and others at work meanwhile."""
