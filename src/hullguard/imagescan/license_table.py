"""SPDX identifiers by what they ask for, and other names under which packages declare them."""

import re

_IDLE = re.compile(r"\b(?:licen[cs]es?|version)\b|[\s\-_,]+", re.IGNORECASE)

# Of each category, the identifiers; the families of the GPL stand without -only and -or-later.
_IDENTIFIERS = {
    "permissive": """
        0BSD AFL-1.1 AFL-1.2 AFL-2.0 AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl
        Artistic-2.0 Artistic-dist Beerware Bitstream-Vera BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent
        BSD-2-Clause-Views BSD-3-Clause BSD-3-Clause-Attribution BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause
        BSD-4-Clause-UC BSD-Source-Code BSL-1.0 bzip2-1.0.6 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC0-1.0 CNRI-Python
        curl ECL-2.0 EFL-2.0 Entessa FSFAP FSFUL FSFULLR FTL GD GLWTPL HPND HPND-sell-variant IBM-pibs ICU IJG
        ImageMagick Info-ZIP Intel ISC Jam JasPer-2.0 JSON Kazlib Latex2e Libpng libpng-2.0 libtiff Linux-OpenIB MIT
        MIT-0 MIT-CMU MIT-feh MIT-Modern-Variant MirOS MS-PL MulanPSL-1.0 MulanPSL-2.0 Multics NAIST-2003 NCSA Net-SNMP
        NetCDF NTP OFL-1.0 OFL-1.1 OLDAP-2.7 OLDAP-2.8 OpenSSL PHP-3.0 PHP-3.01 Plexus PostgreSQL PSF-2.0 psfrag
        Python-2.0 Python-2.0.1 Qhull RSA-MD Ruby SGI-B-2.0 Sleepycat-BSD SMLNJ Spencer-94 Spencer-99 SSH-OpenSSH
        SSH-short SWL TCL TCP-wrappers TU-Berlin-2.0 Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 Unicode-TOU
        Unlicense UPL-1.0 Vim W3C W3C-19980720 WTFPL X11 X11-distribute-modifications-variant Xerox Xfig Xnet
        XFree86-1.1 xpp Zend-2.0 Zlib zlib-acknowledgement ZPL-1.1 ZPL-2.0 ZPL-2.1 public-domain
    """,
    "weak copyleft": """
        LGPL-2.0 LGPL-2.1 LGPL-3.0 LGPL MPL-1.0 MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception EPL-1.0 EPL-2.0 CDDL-1.0
        CDDL-1.1 CPL-1.0 IPL-1.0 APSL-1.0 APSL-1.1 APSL-1.2 APSL-2.0 CECILL-C ErlPL-1.1 EUPL-1.1 EUPL-1.2 LPPL-1.0
        LPPL-1.3a LPPL-1.3c Linux-man-pages-copyleft MS-RL NPL-1.0 NPL-1.1 OSL-1.0 SISSL SPL-1.0 GFDL-1.1 GFDL-1.2
        GFDL-1.3 GFDL wxWindows GFDL-1.1-no-invariants GFDL-1.2-no-invariants GFDL-1.3-no-invariants Motosoto Nokia
        RPSL-1.0 CC-BY-SA-2.0 CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0
    """,
    "strong copyleft": """
        GPL-1.0 GPL-2.0 GPL-3.0 GPL CECILL-1.0 CECILL-2.0 CECILL-2.1 QPL-1.0 Sleepycat OSL-2.0 OSL-2.1 RPL-1.1
        copyleft-next-0.3.0 copyleft-next-0.3.1
    """,
    "network copyleft": "AGPL-1.0 AGPL-3.0 AGPL OSL-3.0 RPL-1.5 SSPL-1.0 CPAL-1.0 Watcom-1.0 Parity-7.0.0",
    "proprietary": """
        BUSL-1.1 Elastic-2.0 Commons-Clause PolyForm-Noncommercial-1.0.0 PolyForm-Small-Business-1.0.0
        CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0
        FSL-1.1-MIT FSL-1.1-Apache-2.0 Confluent-Community-1.0 RSAL proprietary
    """,
}

# Another name: the identifier. Blanks, dashes and case do not count, nor the words "license" and "version".
_NAMES = {
    "Apache-2.0": (
        "Apache|Apache 2|Apache2|Apache2.0|Apache v2|Apache v2.0|ASL 2.0|ASL2|Apache-2|AL2|Apache Software|"
        "Apache Software 2.0|Apache Version 2.0"
    ),
    "Artistic-1.0-Perl": "Artistic|Artistic-1|Perl|Perl_5",
    "Artistic-2.0": "Artistic-2|Artistic 2",
    "BSD-2-Clause": "BSD-2|BSD2|2-clause BSD|Simplified BSD|BSD-2-clause-NetBSD|BSD (2-clause)|FreeBSD",
    "BSD-3-Clause": (
        "BSD|BSD-3|BSD3|3-clause BSD|New BSD|Modified BSD|Revised BSD|BSD-3-Clause-modified|BSD (3-clause)|"
        "BSD-like|BSD-style"
    ),
    "BSD-4-Clause": "BSD-4|4-clause BSD|Original BSD|BSD with advertising",
    "BSL-1.0": "Boost|BSL|Boost Software|Boost Software 1.0|Boost-1.0",
    "CC0-1.0": "CC0|CC-0|CC0 1.0|CC0 1.0 Universal|Creative Commons Zero",
    "FTL": "FreeType|Freetype Project",
    "GPL": "GPL|General Public|GNU GPL|GNU General Public",
    "GPL-1.0": "GPL1|GPL-1|GPLv1|GPL v1|General Public 1",
    "GPL-2.0": (
        "GPL2|GPL-2|GPLv2|GPL v2|GPL2.0|GPLv2.0|General Public v2|General Public-2|General Public 2.0|GPL version 2"
    ),
    "GPL-3.0": (
        "GPL3|GPL-3|GPLv3|GPL v3|GPL3.0|GPLv3.0|General Public v3|General Public-3|General Public 3.0|GPL version 3"
    ),
    "LGPL": "LGPL|Lesser General Public|Library General Public|GNU LGPL|GNU Lesser General Public",
    "LGPL-2.0": "LGPL2|LGPL-2|LGPLv2|LGPL v2|LGPLv2.0|Library General Public v2|Lesser General Public v2",
    "LGPL-2.1": "LGPL2.1|LGPLv2.1|LGPL v2.1|Lesser General Public v2.1|Lesser General Public-2.1",
    "LGPL-3.0": (
        "LGPL3|LGPL-3|LGPLv3|LGPL v3|LGPLv3.0|Lesser General Public v3|Lesser General Public-3|"
        "Lesser General Public-3.0"
    ),
    "AGPL": "AGPL|Affero General Public|GNU AGPL",
    "AGPL-3.0": (
        "AGPL3|AGPL-3|AGPLv3|AGPL v3|AGPLv3.0|Affero General Public v3|Affero General Public-3|"
        "Affero General Public-3.0"
    ),
    "GFDL": "GFDL|Free Documentation|FDL",
    "GFDL-1.2": "GFDL-NIV-1.2|GFDL1.2|GFDL-1.2|GFDLv1.2|FDL-1.2",
    "GFDL-1.3": "GFDL-NIV-1.3|GFDL1.3|GFDL-1.3|GFDLv1.3|FDL-1.3",
    "HPND": "Historical Permission Notice and Disclaimer",
    "ISC": "ISCL|Internet Systems Consortium|ISC (ISCL)",
    "MIT": "Expat|X11/MIT|MIT/X11|MIT/Expat|Expat/MIT|MIT-1|MIT X11|MIT-like|MIT-style|MIT (Expat)|The MIT",
    "MPL-1.1": "MPL1.1|MPLv1.1|Mozilla Public 1.1",
    "MPL-2.0": (
        "MPL|MPL2|MPL-2|MPLv2|MPL2.0|MPLv2.0|Mozilla Public 2.0|Mozilla Public-2.0|Mozilla Public 2.0 (MPL 2.0)"
    ),
    "EPL-1.0": "EPL|EPL1.0|EPLv1.0|Eclipse Public 1.0|Eclipse Public-1.0|Eclipse Public",
    "EPL-2.0": "EPL2|EPLv2|EPLv2.0|EPL 2.0|Eclipse Public 2.0|Eclipse Public-2.0|Eclipse Public v2.0",
    "CDDL-1.0": "CDDL|CDDL1|CDDLv1.0|Common Development and Distribution",
    "NCSA": "University of Illinois/NCSA Open Source|UIUC",
    "OFL-1.1": "OFL|OFL1.1|SIL Open Font|SIL OFL 1.1|Open Font",
    "OLDAP-2.8": "OpenLDAP|OpenLDAP-2.8|OpenLDAP Public",
    "OpenSSL": "OpenSSL and SSLeay",
    "PHP-3.01": "PHP|PHP-3|PHP 3.01",
    "PSF-2.0": "PSF|PSFL|Python Software Foundation|PSF 2|PSF-2",
    "Python-2.0": "Python|CNRI",
    "public-domain": "Public Domain|PD|publicdomain|pd",
    "Unlicense": "Unlicence|The Unlicense|The Unlicense (Unlicense)",
    "Vim": "Vim (charityware)",
    "Zlib": "zlib/libpng|libz",
    "ZPL-2.1": "ZPL|ZPL2.1|Zope Public|Zope Public-2.1",
    "BUSL-1.1": "BSL 1.1|BSL-1.1|BUSL|Business Source|Business Source 1.1",
    "Elastic-2.0": "Elastic|ELv2|Elastic 2.0",
    "SSPL-1.0": "SSPL|SSPLv1|Server Side Public|Server Side Public v1",
    "proprietary": "Proprietary|Commercial|Other/Proprietary|UNLICENSED|All rights reserved|EULA|Non-free|Closed",
}


# Words of a licence's own text that stand in no other's; of several that fit, the first.
TEXTS = (
    ("Apache-2.0", ("Apache License", "Version 2.0")),
    ("MIT", ("Permission is hereby granted, free of charge",)),
    ("BSD-3-Clause", ("Redistribution and use in source and binary forms", "either the name")),
    ("BSD-2-Clause", ("Redistribution and use in source and binary forms",)),
    ("ISC", ("Permission to use, copy, modify, and/or distribute this software for any purpose",)),
    ("Zlib", ("This software is provided 'as-is', without any express or implied warranty",)),
    ("MPL-2.0", ("Mozilla Public License Version 2.0",)),
)


def key(text: str) -> str:
    """The same for spellings that differ in case, blanks, dashes and the words "license" and "version" only."""
    return _IDLE.sub("", text).lower()


CATEGORIES = {key(name): category for category, names in _IDENTIFIERS.items() for name in names.split()}
ALIASES = {key(name): name for names in _IDENTIFIERS.values() for name in names.split()} | {
    key(name): spdx for spdx, names in _NAMES.items() for name in names.split("|") if name
}
