"""The process of a run: who works on a folder, what it logs, when it ends with its starter."""
