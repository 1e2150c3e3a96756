"""Engines: `map(function, items) -> results in order`; nothing else knows where work is done."""
