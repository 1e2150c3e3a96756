"""The store: tables, transactions, migrations, encryption of secrets."""
