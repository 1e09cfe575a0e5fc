"""The gateway's database: tables, sessions, migrations."""
