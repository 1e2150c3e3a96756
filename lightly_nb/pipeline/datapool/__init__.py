"""The datapool: what earlier runs have selected (`pool`), and its part in a run (`steps`)."""
