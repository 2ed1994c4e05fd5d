"""The shape of the advisory database: one SQLite file, built beside the old one and never changed in place."""

APPLICATION_ID = 0x48474144  # "HGAD"
VERSION = 4

# Advisories are looked up by (ecosystem, name) alone. A package's row lists the records that speak of it (see
# postings.py), and a record's row holds everything else, so that a package of an image costs one page, and each of its
# records another one. ``kin`` is what follows from other records (see kinship.py); ``places`` stands last because only
# a change of the record asks for it.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, modified TEXT NOT NULL, core BLOB NOT NULL, kin BLOB,
    statements BLOB NOT NULL, places BLOB NOT NULL
);
CREATE TABLE package (id INTEGER PRIMARY KEY, ecosystem TEXT NOT NULL, name TEXT NOT NULL, postings BLOB NOT NULL);
CREATE TABLE kev (cve TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE epss (cve TEXT PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE rating (
    cve TEXT NOT NULL, source TEXT NOT NULL, version TEXT NOT NULL, vector TEXT NOT NULL, word TEXT NOT NULL,
    PRIMARY KEY (cve, source, version, vector, word)
) WITHOUT ROWID;
CREATE TABLE inherited (
    name TEXT NOT NULL, author TEXT NOT NULL, vector TEXT NOT NULL, word TEXT NOT NULL,
    PRIMARY KEY (name, author, vector, word)
) WITHOUT ROWID;
CREATE TABLE withdrawn (name TEXT PRIMARY KEY, modified TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE change (
    generation INTEGER NOT NULL, ecosystem TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (generation, ecosystem, name)
) WITHOUT ROWID;
"""

# Rows come faster than an index can follow, so a database that was empty gets them when it is filled.
INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS record_name ON record (name);
CREATE UNIQUE INDEX IF NOT EXISTS package_name ON package (ecosystem, name);
"""
