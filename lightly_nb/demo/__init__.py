"""Real photographs to try things on: `demo_images()` gathers them from installable packages."""

from lightly_nb.demo.gather import demo_images

__all__ = ["demo_images"]
