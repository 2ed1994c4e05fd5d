"""The shared vocabulary: frozen structs, enums and errors. No I/O, no other Hullguard import."""
