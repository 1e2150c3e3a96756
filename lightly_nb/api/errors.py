"""The exceptions of the platform's client, by their names there. See `lightly_nb.errors` for the others."""

from __future__ import annotations

from lightly_nb.errors import ConfigError, NotFoundException


class InvalidConfigurationError(ConfigError, RuntimeError):
    """A configuration has an unknown key, a wrong type or a value out of range; nothing was scheduled."""


class TagDoesNotExistError(NotFoundException):
    """The dataset has no tag of this name."""


class EmbeddingDoesNotExistError(NotFoundException):
    """The dataset has no embeddings of this name."""


class InvalidCustomMetadataWarning(Warning):
    """Some custom metadata has no image or no sample and was left out."""
