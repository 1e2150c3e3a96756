"""What every panel shares: theme, first picture, errors of callbacks, thumbnails, rows on the wire."""
