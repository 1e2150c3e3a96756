"""Who asks, by token or login, and with whom a dataset is shared."""
