import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import RUNTIME, event, process

from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.drop_and_execute import DropAndExecute
from hullguard.detect.detectors.interface import ExecTrait
from hullguard.detect.detectors.read_sensitive import ReadSensitive
from hullguard.detect.detectors.terminal_shell import TerminalShell
from hullguard.model.event import ContainerDetails, Drift, EventKind, Origin
from hullguard.model.policy import Action, DetectorSettings

DEFAULT = DetectorSettings()


def settings(**parameters: object) -> DetectorSettings:
    return msgspec.convert({"parameters": parameters}, DetectorSettings)


class TestTerminalShell:
    judge = staticmethod(TerminalShell().judge)

    def test_a_shell_from_the_runtime_with_a_terminal_is_one(self):
        found = self.judge(event(lineage=(RUNTIME, process(tty=True, args=("/bin/sh", "-l")))), DEFAULT)

        assert found == {"shell": "sh", "command": "/bin/sh -l"}

    def test_without_a_terminal_it_is_a_script(self):
        assert self.judge(event(lineage=(RUNTIME, process())), DEFAULT) is None

    def test_a_shell_below_a_shell_is_not_told_again(self):
        inner = (RUNTIME, process(tty=True), process(pid=201, ppid=200, tty=True))

        assert self.judge(event(lineage=inner), DEFAULT) is None

    def test_a_lineage_without_its_beginning_is_no_entry(self):
        assert self.judge(event(lineage=(process(tty=True),)), DEFAULT) is None

    @pytest.mark.parametrize(
        ("path", "args", "comm", "shell"),
        [
            ("/bin/busybox", ("sh",), "sh", "sh"),
            ("/bin/busybox", ("-ash",), "busybox", "ash"),
            ("/usr/bin/bash", ("anything",), "x", "bash"),
            ("/bin/busybox", (), "zsh", "zsh"),
        ],
    )
    def test_any_of_its_names_counts(self, path, args, comm, shell):
        opened = event(path=path, lineage=(RUNTIME, process(tty=True, exe=path, args=args, comm=comm)))

        assert self.judge(opened, DEFAULT)["shell"] == shell

    def test_what_is_no_shell_is_none(self):
        top = process(tty=True, exe="/usr/bin/top", args=("top",), comm="top")

        assert self.judge(event(path="/usr/bin/top", lineage=(RUNTIME, top)), DEFAULT) is None

    def test_the_list_of_shells_is_the_policys(self):
        mine = event(path="/opt/fancy", lineage=(RUNTIME, process(tty=True, comm="fancy", args=("fancy",))))

        assert self.judge(mine, settings(shells=["fancy"])) == {"shell": "fancy", "command": "fancy"}
        assert self.judge(mine, DEFAULT) is None

    def test_a_giant_command_is_cut(self):
        found = self.judge(event(lineage=(RUNTIME, process(tty=True, args=("sh", "x" * 5000)))), DEFAULT)

        assert len(found["command"]) == 1000


class TestDropAndExecute:
    judge = staticmethod(DropAndExecute().judge)

    def test_a_new_file_is_one(self):
        assert self.judge(event(path="/tmp/x", new_file=True), DEFAULT) == {"path": "/tmp/x", "command": "sh"}

    def test_an_images_file_is_none(self):
        assert self.judge(event(path="/bin/sh"), DEFAULT) is None

    @pytest.mark.parametrize("exempt", ["/tmp/x", "/tmp/*", "/*"])
    def test_an_exempt_path_is_none(self, exempt):
        assert self.judge(event(path="/tmp/x", new_file=True), settings(exempt_paths=[exempt])) is None

    def test_what_was_stopped_is_told_even_if_exempt_by_now(self):
        stopped = event(path="/tmp/x", new_file=True, stopped=True)

        assert self.judge(stopped, settings(exempt_paths=["/tmp/*"])) is not None

    def test_what_a_package_manager_of_the_image_starts_is_none(self):
        script = process(exe="/var/lib/dpkg/info/x.postinst", comm="x.postinst")
        dpkg = process(pid=150, exe="/usr/bin/dpkg", comm="dpkg")
        ours, theirs = (RUNTIME, dpkg, script), (RUNTIME, msgspec.structs.replace(dpkg, exe_new=True), script)

        assert self.judge(event(path=script.exe, new_file=True, lineage=ours), DEFAULT) is None
        assert self.judge(event(path=script.exe, new_file=True, lineage=theirs), DEFAULT) is not None
        assert self.judge(event(path=script.exe, new_file=True, lineage=ours), settings(installers=[])) is not None
        assert self.judge(event(path=script.exe, new_file=True, lineage=ours, stopped=True), DEFAULT) is not None

    def test_killing_and_its_exemptions_are_the_kernels_to_know(self):
        kill = msgspec.structs.replace(settings(exempt_paths=["/opt/*"]), action=Action.KILL)

        wants = DropAndExecute().wants(kill)

        assert (wants.kill_new, wants.exempt) == (True, ("/opt/*",))
        assert not DropAndExecute().wants(DEFAULT).kill_new

    @pytest.mark.parametrize(
        ("drift", "told"),
        [
            pytest.param(Drift(Origin.NEW), {"origin": "new"}, id="new"),
            pytest.param(Drift(Origin.MODIFIED), {"origin": "modified"}, id="modified"),
            pytest.param(Drift(Origin.UNKNOWN, "gone"), {"origin": "unknown", "why": "gone"}, id="unknown"),
            pytest.param(
                Drift(Origin.NEW, placed_by=("/bin/sh", "/sbin/apk")),
                {"origin": "installed", "installer": "/sbin/apk"},
                id="installed by the service",
            ),
            pytest.param(
                Drift(Origin.NEW, placed_by=("/bin/cp",), by_operator=True), {"origin": "new"}, id="no installer"
            ),
        ],
    )
    def test_how_it_came_to_be_is_told(self, drift: Drift, told: dict[str, str]):
        found = self.judge(event(path="/usr/bin/x", new_file=True, drift=drift), DEFAULT)

        assert found == {"path": "/usr/bin/x", "command": "sh", **told}

    @pytest.mark.parametrize(
        "drift",
        [
            pytest.param(Drift(Origin.TOUCHED), id="the image's own content"),
            pytest.param(Drift(Origin.NEW, placed_by=("/sbin/apk",), by_operator=True), id="installed by an operator"),
        ],
    )
    def test_what_is_no_attack_is_told_only_if_it_was_stopped(self, drift: Drift):
        ran = event(path="/usr/bin/x", new_file=True, drift=drift)

        assert self.judge(ran, DEFAULT) is None
        assert self.judge(msgspec.structs.replace(ran, stopped=True), DEFAULT) is not None

    def test_what_a_build_made_and_ran_is_told_only_if_it_was_stopped(self):
        ran = event(path="/usr/bin/x", new_file=True, container_details=ContainerDetails(builds_image=True))
        known = msgspec.structs.replace(ran, container_details=ContainerDetails(builds_image=False))

        assert self.judge(ran, DEFAULT) is None
        assert self.judge(msgspec.structs.replace(ran, stopped=True), DEFAULT) is not None
        assert self.judge(known, DEFAULT) is not None

    def test_without_installers_nobody_asks_who_moved_programs(self):
        assert DropAndExecute().wants(DEFAULT).kinds == {EventKind.EXEC, EventKind.FILE_RENAME}
        assert DropAndExecute().wants(settings(installers=[])).kinds == {EventKind.EXEC}
        assert self.judge(event(EventKind.FILE_RENAME), DEFAULT) is None


class TestReadSensitive:
    judge = staticmethod(ReadSensitive().judge)

    def opened(self, path: str, **changes: object):
        actor = process(exe="/bin/cat", comm="cat")
        return event(EventKind.FILE_OPEN, **{"path": path, "reads": True, "lineage": (RUNTIME, actor), **changes})

    @pytest.mark.parametrize("path", ["/etc/shadow", "/etc/gshadow", "/root/.ssh/id_rsa", "/etc/sudoers.d/a/b"])
    def test_reading_a_secret_is_one(self, path):
        assert self.judge(self.opened(path), DEFAULT) == {"path": path, "program": "/bin/cat"}

    @pytest.mark.parametrize(
        "path", ["/etc/passwd", "/etc/shadow.bak", "/data/etc/shadow", "/root/.ssh", "/etc/shadow/x"]
    )
    def test_other_files_are_none(self, path):
        assert self.judge(self.opened(path), DEFAULT) is None

    def test_writing_alone_is_not_reading(self):
        assert self.judge(self.opened("/etc/shadow", reads=False, writes=True), DEFAULT) is None

    def test_another_name_of_the_same_file_is_one(self):
        found = self.judge(self.opened("/tmp/h", known_as="/etc/shadow"), DEFAULT)

        assert found == {"path": "/tmp/h", "program": "/bin/cat", "known_as": "/etc/shadow"}

    def test_a_program_that_must_is_exempt_by_its_file(self):
        sshd = (RUNTIME, process(exe="/usr/sbin/sshd", comm="sshd"))
        fake = (RUNTIME, process(exe="/tmp/sshd", comm="sshd"))

        assert self.judge(self.opened("/etc/shadow", lineage=sshd), DEFAULT) is None
        assert self.judge(self.opened("/etc/shadow", lineage=fake), DEFAULT)["program"] == "/tmp/sshd"

    @pytest.mark.parametrize("script", ["/usr/bin/pg_isready", "/usr/bin/pg_ctlcluster", "/usr/sbin/adduser"])
    def test_perl_looks_accounts_up_for_scripts_that_are_known_to(self, script):
        perl = process(exe="/usr/bin/perl", comm="perl", args=("perl", "rewritten"), script=script)

        assert self.judge(self.opened("/etc/shadow", lineage=(RUNTIME, perl)), DEFAULT) is None
        assert self.judge(self.opened("/etc/gshadow", lineage=(RUNTIME, perl)), DEFAULT) is not None
        assert self.judge(self.opened("/tmp/h", known_as="/etc/shadow", lineage=(RUNTIME, perl)), DEFAULT) is not None
        for changes in ({"exe_new": True}, {"exe_memfd": True}, {"script": ""}, {"script": "/tmp/pg_isready"}):
            changed = msgspec.structs.replace(perl, **changes)
            assert self.judge(self.opened("/etc/shadow", lineage=(RUNTIME, changed)), DEFAULT) is not None

    def test_what_arguments_say_later_is_no_script(self):
        perl = process(exe="/usr/bin/perl", comm="perl", args=("/usr/bin/perl", "/usr/bin/pg_isready"))

        assert self.judge(self.opened("/etc/shadow", lineage=(RUNTIME, perl)), DEFAULT) is not None

    def test_what_a_package_manager_reads_is_none(self):
        perl = (RUNTIME, process(pid=150, exe="/usr/bin/dpkg"), process(exe="/usr/bin/perl", comm="adduser"))

        assert self.judge(self.opened("/etc/shadow", lineage=perl), DEFAULT) is None
        assert self.judge(self.opened("/etc/shadow", lineage=perl), settings(installers=[])) is not None

    def test_an_unknown_program_is_not_exempt(self):
        unknown = (RUNTIME, process(exe=None, comm="sshd"))

        assert self.judge(self.opened("/etc/shadow", lineage=unknown), DEFAULT)["program"] == "sshd"

    @pytest.mark.parametrize("path", ["…/x/etc/shadow", "…/a/root/.ssh/id"])
    def test_a_path_without_its_beginning_is_judged_by_its_end(self, path):
        assert self.judge(self.opened(path), DEFAULT)["path"] == path

    def test_a_deep_harmless_path_is_none(self):
        assert self.judge(self.opened("…/a/b/passwd"), DEFAULT) is None

    def test_without_a_path_nothing_is_claimed(self):
        assert self.judge(msgspec.structs.replace(self.opened("/etc/shadow"), path=None), DEFAULT) is None


TRAITS = {
    ExecTrait.NEW_FILE: lambda seen: seen.new_file or seen.stopped,
    ExecTrait.ENTRY_WITH_TERMINAL: lambda seen: seen.process.tty and seen.lineage[-2].outside,
}


@given(
    kind=st.sampled_from(EventKind),
    tty=st.booleans(),
    outside=st.booleans(),
    new=st.booleans(),
    path=st.sampled_from(["/bin/sh", "/etc/shadow", "/tmp/x", "/root/.ssh/id"]),
    reads=st.booleans(),
)
def test_no_detector_objects_to_what_it_did_not_ask_for(kind, tty, outside, new, path, reads):
    parent = RUNTIME if outside else process(pid=150)
    seen = event(kind, path=path, new_file=new, reads=reads, lineage=(parent, process(tty=tty)))

    for detector in BY_ID.values():
        wants = detector.wants(DEFAULT)
        if kind not in wants.kinds:
            continue
        asked = not wants.execs or any(TRAITS[trait](seen) for trait in wants.execs)
        assert asked or kind is not EventKind.EXEC or detector.judge(seen, DEFAULT) is None
