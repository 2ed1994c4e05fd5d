"""Every analyzer, in the order in which they run: the distribution first, OS packages before language packages."""

from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.apk import ApkAnalyzer
from hullguard.inventory.analyzers.assemblies import AssembliesAnalyzer
from hullguard.inventory.analyzers.bills import BillsAnalyzer
from hullguard.inventory.analyzers.binaries.analyzer import BinariesAnalyzer
from hullguard.inventory.analyzers.bitnami import BitnamiAnalyzer
from hullguard.inventory.analyzers.cargo import CargoAnalyzer
from hullguard.inventory.analyzers.chisel.analyzer import ChiselAnalyzer
from hullguard.inventory.analyzers.conda import CondaAnalyzer
from hullguard.inventory.analyzers.copyright.analyzer import CopyrightAnalyzer
from hullguard.inventory.analyzers.dotnet import DotnetAnalyzer
from hullguard.inventory.analyzers.dpkg import DpkgAnalyzer
from hullguard.inventory.analyzers.flatpak import FlatpakAnalyzer
from hullguard.inventory.analyzers.homebrew import HomebrewAnalyzer
from hullguard.inventory.analyzers.java import JavaAnalyzer
from hullguard.inventory.analyzers.locks.analyzer import LockAnalyzer
from hullguard.inventory.analyzers.locks.golang import GoAnalyzer
from hullguard.inventory.analyzers.locks.manifests import ManifestAnalyzer
from hullguard.inventory.analyzers.locks.maven import MavenAnalyzer
from hullguard.inventory.analyzers.node import NodeAnalyzer
from hullguard.inventory.analyzers.opkg import OpkgAnalyzer
from hullguard.inventory.analyzers.os_release import OsReleaseAnalyzer
from hullguard.inventory.analyzers.pacman import PacmanAnalyzer
from hullguard.inventory.analyzers.pear import PearAnalyzer
from hullguard.inventory.analyzers.php import PhpAnalyzer
from hullguard.inventory.analyzers.portage import PortageAnalyzer
from hullguard.inventory.analyzers.python import PythonAnalyzer
from hullguard.inventory.analyzers.python_archive import PythonArchiveAnalyzer
from hullguard.inventory.analyzers.rpm.analyzer import RpmAnalyzer
from hullguard.inventory.analyzers.ruby import RubyAnalyzer
from hullguard.inventory.analyzers.slackware import SlackwareAnalyzer
from hullguard.inventory.analyzers.snap import SnapAnalyzer
from hullguard.inventory.analyzers.spack import SpackAnalyzer
from hullguard.inventory.analyzers.stored_images import StoredImagesAnalyzer
from hullguard.inventory.analyzers.stores import StoresAnalyzer
from hullguard.inventory.analyzers.unread import UnreadAnalyzer
from hullguard.inventory.analyzers.web_applications import WebApplicationsAnalyzer
from hullguard.inventory.analyzers.xbps import XbpsAnalyzer

DISTRIBUTION: tuple[Analyzer, ...] = (
    OsReleaseAnalyzer(),
    DpkgAnalyzer(),
    ChiselAnalyzer(),
    CopyrightAnalyzer(),
    ApkAnalyzer(),
    RpmAnalyzer(),
    PacmanAnalyzer(),
    OpkgAnalyzer(),
    PortageAnalyzer(),
    XbpsAnalyzer(),
    SlackwareAnalyzer(),
    StoresAnalyzer(),
)
"""The distribution, and what its own package manager installs."""

ANALYZERS: tuple[Analyzer, ...] = (
    *DISTRIBUTION,
    PythonAnalyzer(),
    PythonArchiveAnalyzer(),
    NodeAnalyzer(),
    JavaAnalyzer(),
    RubyAnalyzer(),
    PhpAnalyzer(),
    PearAnalyzer(),
    DotnetAnalyzer(),
    AssembliesAnalyzer(),
    CondaAnalyzer(),
    BitnamiAnalyzer(),
    CargoAnalyzer(),
    HomebrewAnalyzer(),
    SpackAnalyzer(),
    SnapAnalyzer(),
    FlatpakAnalyzer(),
    WebApplicationsAnalyzer(),
    BinariesAnalyzer(),
    LockAnalyzer(),
    GoAnalyzer(),
    MavenAnalyzer(),
    ManifestAnalyzer(),
    BillsAnalyzer(),
    StoredImagesAnalyzer(),
    UnreadAnalyzer(),
)
