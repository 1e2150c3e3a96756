"""How long a run will take: `measure` times a few images, `estimate` does the sum."""
