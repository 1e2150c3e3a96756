"""What lies below `.lightly/` of a LIGHTLY datasource: read and written side by side."""
