"""The shape of the advisory database: one SQLite file, built beside the old one and never changed in place."""

APPLICATION_ID = 0x48474144  # "HGAD"
VERSION = 2

# Advisories are looked up by (ecosystem, name) alone, so that pair is a number and everything else is a blob that is
# decoded only when a package of an image has that name.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (id INTEGER PRIMARY KEY, name TEXT NOT NULL, modified TEXT NOT NULL, core BLOB NOT NULL);
CREATE TABLE package (id INTEGER PRIMARY KEY, ecosystem TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (ecosystem, name));
CREATE TABLE affected (package INTEGER NOT NULL, record INTEGER NOT NULL, statement BLOB NOT NULL);
CREATE TABLE kev (cve TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE epss (cve TEXT PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE rating (
    cve TEXT NOT NULL, source TEXT NOT NULL, version TEXT NOT NULL, vector TEXT NOT NULL, word TEXT NOT NULL
);
"""

INDEXES = """
CREATE INDEX IF NOT EXISTS affected_package ON affected (package);
CREATE INDEX IF NOT EXISTS rating_cve ON rating (cve);
"""

# Rows come faster than an index can follow, so a large import makes the indexes at its end.
DROP_INDEXES = """
DROP INDEX IF EXISTS affected_package;
DROP INDEX IF EXISTS rating_cve;
"""
