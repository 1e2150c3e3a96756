"""Embedding: one pass over the files, from bytes to checks, metadata, thumbnails and embeddings."""

from lightly_nb.embedding.check import check_embeddings
from lightly_nb.embedding.embed import embed
from lightly_nb.models import EmbeddingModel

__all__ = ["EmbeddingModel", "check_embeddings", "embed"]
