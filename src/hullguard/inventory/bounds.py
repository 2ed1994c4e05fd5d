"""What one part of an image may cost: limits at which that part is cut or left out while the rest is read.

Whoever cuts at one of them says so by an unknown that is ``incomplete``, so that the whole report is. Each stands by
the words of ``of`` in the tables of limits of docs/howto/scan-an-image.md, and is reached by a test. Limits on an image
as a whole, which end the scan, are in ``limits``.
"""

from typing import Final, Self

from hullguard.inventory.limits import MIB

KIB: Final = 1 << 10


class Bound(int):
    """A number, and what it is the most of."""

    of: str

    def __new__(cls, most: int, of: str) -> Self:
        bound = super().__new__(cls, most)
        bound.of = of
        return bound


PACKAGES_OF_A_FILE = Bound(50_000, "packages that one file of a language names")
DOUBTS_OF_A_FILE = Bound(50, "things of one such file that cannot be decided; the others are counted")
DOUBTS = Bound(10_000, "things that one reader cannot decide; the others are counted")
OBJECTS = Bound(300_000, "objects of a list in JSON; one with more is left out")
"""Lists that tools wrote have a tenth; as many take a hundred megabytes, and not all memory."""
METADATA_BYTES = Bound(256 * KIB, "what a language's package says of itself; the rest is not read")
OS_RELEASE_BYTES = Bound(16 * KIB, "os-release; the rest is not read")

LOCK_BYTES = Bound(16 * MIB, "a lock file; a larger one is left out")
LOCK_LINE = Bound(2000, "characters in a line of a lock file; a longer line is left out")
LOCK_LINES = Bound(300_000, "lines of a lock file in TOML; one with more is left out")
LOCK_TABLES = Bound(50_000, "tables and lists of a lock file in TOML; one with more is left out")
"""The largest that tools wrote have a tenth; the standard library's reader takes two seconds for as many."""
LOCK_DOTS = Bound(100, "dots in a line of a lock file in TOML; one with more is left out")
"""Tools write some ten. The reader takes the square of a key's parts, for thousands of them minutes."""
LOCK_LEVELS = Bound(64, "dependencies in one another in a lock file of npm 6; deeper ones are left out")
POM_TAGS = Bound(200_000, "tags of a project file of Maven; one with more is left out")
"""A project of a thousand dependencies has ten thousand."""
POM_PARENTS = Bound(
    32, "projects of Maven above one another that one inherits from or imports; those above are left out"
)
POM_STEPS = Bound(
    2_000_000, "steps to the parents, imports and properties of all projects of Maven; what is behind them is left out"
)
"""A thousand projects below one that gives versions to 1,800 dependencies take a quarter, in half a second."""

COPYRIGHT_BYTES = Bound(8 * MIB, "a copyright file of one of dpkg's packages; the rest is not read")
"""The longest have two: a notice for each of thousands of files."""
COPYRIGHT_PROSE = Bound(512 * KIB, "characters of one without fields, in which texts of licences are looked for")
COPYRIGHT_LICENSES = Bound(200, "licences that one copyright file names; the others are left out")

NESTED_ARCHIVES = Bound(8, "Java archives in one another; deeper ones are left out")
UNNAMED_MEMBERS = Bound(100_000, "members of an archive without a Java name that are looked at")
POMS = Bound(10_000, "projects of Maven in one Java archive")
GROWTH = Bound(200, "growth of a member of more than 1 MiB in a Java archive; one that grows more is left out")
"""As for a layer: what grows more is a bomb. Deflate's own bound is about 1030, real members stay below 20."""

CRATES_BYTES = Bound(8 * MIB, "the list of crates in a program of Rust; a longer one is left out")
"""The bound that the format's own reader uses."""
MODULES_BYTES = Bound(4 * MIB, "the list of modules in a program of Go; a longer one is left out")
MARKS = Bound(16, "places in a program that look like the beginning of Go's list")
SECTIONS = Bound(1 << 20, "sections of a program")
"""Object files of many small functions have tens of thousands; programs fewer than a hundred."""
SECTION_NAMES_BYTES = Bound(32 * MIB, "the names of a program's sections")
SYMBOLS_BYTES = Bound(32 * MIB, "a table of a program's symbols, or of their names")
PROGRAM_PLACES = Bound(10_000, "places in a program that look like its version")
PROGRAM_BYTES = Bound(16 * MIB, "the part of a program in which a version without a fixed word before it is looked for")
PROGRAMS_BYTES = Bound(256 * MIB, "those parts of all programs of an image together")
"""Half a second of a processor for 16 MiB at worst; constants of all programs of a large image have a tenth."""
RUNTIME_BYTES = Bound(MIB, "the file `release` of a Java runtime")

DATABASE_LINES = Bound(
    1 << 20,
    "lines that count of one database of dpkg, apk, opkg or Chisel, or of a list for rpm's; the others are left out",
)
LISTED_FILES = Bound(
    500_000,
    "files that the list of one package of dpkg or pacman, or that of apk or Chisel, names; the others are left out",
)
CHISEL_BYTES = Bound(64 * MIB, "the list of a chiselled image, unpacked; the rest is not read")
RPM_PACKAGES = Bound(200_000, "packages of one database of rpm")
RPM_PAGES = Bound(100_000, "pages of one database of rpm in SQLite")

LINKED_DIRECTORIES = Bound(1000, "links to directories of packages of a language; the others are not followed")
"""Of those that lie in a place of such directories already, as pnpm's do, none is counted."""
LINKS_TO_A_DIRECTORY = Bound(
    32, "links of wanted names to one directory or to those that it lies in; by the others no file is looked for"
)
"""Each is one more name of every file below."""

SECRETS_OF_A_FILE = Bound(100, "credentials in one file, or in one MiB of it")
SECRETS_JUDGED = Bound(2000, "words in one file that look like credentials of some kind")
WIDE_BYTES = Bound(16 * MIB, "text of two bytes a character inside one file that is none")
GIT_OBJECT_BYTES = Bound(16 * MIB, "an object of Git, unpacked, in which credentials are looked for")
GIT_BYTES = Bound(1024 * MIB, "all objects of Git, unpacked, in which a process looks for them")
MALWARE_SECONDS = Bound(10, "seconds in which rules of malware judge one file")
MALWARE_SECONDS_OF_ALL = Bound(
    600, "seconds of a processor in which they judge all files; of the others hashes are compared"
)
"""The bundled rules judge a gigabyte of programs in seconds, and of text that is made for it a megabyte in one."""
ACCOUNTS_BYTES = Bound(MIB, "a file of accounts or groups; the rest is not read")
CONFIG_ENTRIES = Bound(50_000, "instructions, variables, labels and build arguments of an image, each")
INSTRUCTION_CHARACTERS = Bound(64 * KIB, "characters of an instruction in which habits are looked for")

BILL_BYTES = Bound(16 * MIB, "a bill of materials in an image; a larger one is left out")
BILL_PARTS = Bound(300_000, "objects, lists and stretches of 64 bytes of such a bill; one with more is left out")
"""A package has some twenty. What as many take of memory is a hundred megabytes, and half a second of a processor."""
BILLS_PARTS = Bound(3_000_000, "of all such bills of an image together; the others are left out")
BILLS_OF_AN_ARCHIVE = Bound(100, "bills of materials in one Java archive; the others are left out")

SBOM_DOUBTS = Bound(1000, "packages of a bill of materials that cannot be matched; the others are counted")
SBOM_PACKAGES = Bound(500_000, "packages of a bill of materials")

ALL = tuple(bound for bound in tuple(globals().values()) if isinstance(bound, Bound))
