"""Diagnose: what is recorded while a network trains, what it means, and which rows of the data to look at."""
