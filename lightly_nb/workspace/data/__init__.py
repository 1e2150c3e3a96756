"""What the platform keeps for its users: datasets, datasources, samples, tags, artifacts."""
