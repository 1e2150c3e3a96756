"""How the tables came to be: one file in `versions` for each version, run in order, never edited afterwards.

For a new version: change `schema`, copy the last file of `versions` to the next number, set `revision` and
`down_revision`, write what is new in `upgrade` (`op.batch_alter_table` for changed columns, so that SQLite
can do it), and set `schema.SCHEMA_VERSION`. A test compares the tables so made with the models.
"""
