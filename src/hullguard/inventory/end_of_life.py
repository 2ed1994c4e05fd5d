"""The last day of a release's free security support, long-term support included.

Sources: wiki.debian.org/LTS, ubuntu.com/about/release-cycle, alpinelinux.org/releases, wiki.almalinux.org,
wiki.rockylinux.org, access.redhat.com/support/policy/updates/errata, en.opensuse.org/Lifetime, suse.com/lifecycle.
"""

from datetime import date

END_OF_LIFE = {
    "Debian:7": date(2018, 5, 31), "Debian:8": date(2020, 6, 30), "Debian:9": date(2022, 6, 30),
    "Debian:10": date(2024, 6, 30), "Debian:11": date(2026, 8, 31), "Debian:12": date(2028, 6, 30),
    "Debian:13": date(2030, 6, 30),
    "Ubuntu:14.04:LTS": date(2019, 4, 25), "Ubuntu:16.04:LTS": date(2021, 4, 30),
    "Ubuntu:18.04:LTS": date(2023, 5, 31), "Ubuntu:20.04:LTS": date(2025, 5, 31),
    "Ubuntu:22.04:LTS": date(2027, 5, 31), "Ubuntu:24.04:LTS": date(2029, 5, 31),
    "Ubuntu:23.04": date(2024, 1, 25), "Ubuntu:23.10": date(2024, 7, 11), "Ubuntu:24.10": date(2025, 7, 10),
    "Ubuntu:25.04": date(2026, 1, 15), "Ubuntu:25.10": date(2026, 7, 9), "Ubuntu:26.04:LTS": date(2031, 5, 31),
    "Alpine:v3.2": date(2017, 5, 1), "Alpine:v3.3": date(2017, 11, 1), "Alpine:v3.4": date(2018, 5, 1),
    "Alpine:v3.5": date(2018, 11, 1), "Alpine:v3.6": date(2019, 5, 1), "Alpine:v3.7": date(2019, 11, 1),
    "Alpine:v3.8": date(2020, 5, 1), "Alpine:v3.9": date(2020, 11, 1), "Alpine:v3.10": date(2021, 5, 1),
    "Alpine:v3.11": date(2021, 11, 1), "Alpine:v3.12": date(2022, 5, 1), "Alpine:v3.13": date(2022, 11, 1),
    "Alpine:v3.14": date(2023, 5, 1), "Alpine:v3.15": date(2023, 11, 1), "Alpine:v3.16": date(2024, 5, 23),
    "Alpine:v3.17": date(2024, 11, 22), "Alpine:v3.18": date(2025, 5, 9), "Alpine:v3.19": date(2025, 11, 1),
    "Alpine:v3.20": date(2026, 4, 1), "Alpine:v3.21": date(2026, 11, 1), "Alpine:v3.22": date(2027, 5, 1),
    "Alpine:v3.23": date(2027, 11, 1),
    "AlmaLinux:8": date(2029, 3, 1), "AlmaLinux:9": date(2032, 5, 31), "AlmaLinux:10": date(2035, 5, 31),
    "Rocky Linux:8": date(2029, 5, 31), "Rocky Linux:9": date(2032, 5, 31), "Rocky Linux:10": date(2035, 5, 31),
    "Red Hat:enterprise_linux:6": date(2020, 11, 30), "Red Hat:enterprise_linux:7": date(2024, 6, 30),
    "Red Hat:enterprise_linux:8": date(2029, 5, 31), "Red Hat:enterprise_linux:9": date(2032, 5, 31),
    "Red Hat:enterprise_linux:10": date(2035, 5, 31),
    "openSUSE:Leap 15.0": date(2019, 12, 3), "openSUSE:Leap 15.1": date(2021, 2, 2),
    "openSUSE:Leap 15.2": date(2022, 1, 4), "openSUSE:Leap 15.3": date(2022, 12, 31),
    "openSUSE:Leap 15.4": date(2023, 12, 7), "openSUSE:Leap 15.5": date(2024, 12, 31),
    "openSUSE:Leap 15.6": date(2026, 4, 30),
    "SUSE:Linux Enterprise Server 12 SP5": date(2024, 10, 31),
    "SUSE:Linux Enterprise Server 15 SP3": date(2022, 12, 31),
    "SUSE:Linux Enterprise Server 15 SP4": date(2023, 12, 31),
    "SUSE:Linux Enterprise Server 15 SP5": date(2024, 12, 31),
    "SUSE:Linux Enterprise Server 15 SP6": date(2025, 12, 31),
    "SUSE:Linux Enterprise Server 15 SP7": date(2031, 7, 31),
    "Azure Linux:1": date(2023, 7, 31), "Azure Linux:2": date(2025, 7, 31),
    "Photon OS:1.0": date(2022, 2, 28), "Photon OS:2.0": date(2022, 12, 31), "Photon OS:3.0": date(2024, 3, 1),
    "Mageia:7": date(2021, 6, 30), "Mageia:8": date(2023, 11, 30),
}  # fmt: skip
