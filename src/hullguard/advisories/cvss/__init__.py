"""CVSS base scores from vectors, by the equations of FIRST's specifications; one file per version."""
