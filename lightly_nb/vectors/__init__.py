"""Geometry of embeddings: distances, nearest neighbours, layouts, coverage."""
