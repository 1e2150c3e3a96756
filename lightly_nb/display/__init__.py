"""How people read things: words for numbers, colours, charts, HTML."""
