"""``proc.*`` and ``thread.*``: the process that caused the event, and its ancestors."""

# ruff: noqa: E501 - a field a line, in two languages, reads best

from collections.abc import Callable
from datetime import datetime
from typing import Final

from hullguard.detect.fields import linux
from hullguard.detect.fields.field import Argument, Field, FieldType, Known, Reader, Several, Value, index_of
from hullguard.model.event import Event, EventKind, Process

OfProcess = Callable[[Process], Value]

TEXT, NUMBER, FLAG = FieldType.TEXT, FieldType.NUMBER, FieldType.FLAG
_NOT_COUNTED = ("The sensor does not follow what a process uses.", "传感器不跟踪进程占用的资源。")
_NOT_SAID = ("The agent does not ask for it.", "Agent 不采集此信息。")


def nanoseconds(start: datetime | None, end: datetime) -> int | None:
    """Between two moments; never less than 0, since clocks differ a little."""
    if start is None:
        return None
    passed = end - start
    return max(0, ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000)


def epoch(moment: datetime | None) -> int | None:
    """Nanoseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1_000_000) * 1000


def name(process: Process) -> str | None:
    return process.comm or None


def exe(process: Process) -> str | None:
    return process.args[0] if process.args else process.exe


def exepath(process: Process) -> str | None:
    return process.exe


def args(process: Process) -> str | None:
    return " ".join(process.args[1:]) if process.args else None


def cmdline(process: Process) -> str | None:
    if not process.args:
        return process.comm or None
    return " ".join((process.comm, *process.args[1:]))


def exeline(process: Process) -> str | None:
    return " ".join(process.args) if process.args else process.exe


def pid(process: Process) -> int:
    return process.pid


def env(process: Process) -> str | None:
    return " ".join(process.env) if process.env else None


def variable(process: Process, wanted: str) -> str | None:
    """The value of one variable."""
    start = wanted + "="
    return next((entry[len(start) :] for entry in process.env if entry.startswith(start)), None)


def cwd(process: Process) -> str | None:
    """Ends with a slash, as Falco's does and its rules expect."""
    return process.cwd if process.cwd is None or process.cwd.endswith("/") else process.cwd + "/"


def terminal(process: Process) -> int:
    """``proc.tty``: 0 for none, 1 where only known that there is one."""
    return int(process.tty) if process.terminal is None else process.terminal


def new_program(event: Event) -> bool:
    """``proc.is_exe_upper_layer``; a sensor may say it of the process, or of its exec alone."""
    return event.lineage[-1].exe_new or (event.kind is EventKind.EXEC and event.new_file)


def _own(get: OfProcess) -> Reader:
    return lambda event: get(event.lineage[-1])


def _parent(get: OfProcess) -> Reader:
    return lambda event: get(event.lineage[-2]) if len(event.lineage) > 1 else None


def _ancestors(get: OfProcess) -> Reader:
    """From the parent up; those of which nothing is known are left out."""

    def read(event: Event) -> Value:
        return tuple(value for one in event.lineage[-2::-1] if (value := get(one)) is not None)

    return read


def _nth(get: OfProcess, count: int) -> Reader:
    return lambda event: get(event.lineage[-1 - count]) if count < len(event.lineage) else None


def _leader(same: Callable[[Process], int | None], get: OfProcess) -> Reader:
    """Of the process whose pid is the session's or group's number, else of the eldest ancestor that shares it."""

    def read(event: Event) -> Value:
        number = same(event.lineage[-1])
        if number is None:
            return None
        eldest = event.lineage[-1]
        for one in reversed(event.lineage):
            if one.pid == number:
                return get(one)
            if same(one) != number:
                break
            eldest = one
        return get(eldest)

    return read


def _login_shell(event: Event) -> Value:
    return next((one.pid for one in event.lineage if one.comm.endswith("sh")), None)


def _field(name: str, kind: FieldType, texts: tuple[str, str], reads: str, read: Reader, **more: object) -> Field:
    reads = ", ".join(f"process.{attribute}" for attribute in reads.split())
    return Field(name=name, type=kind, texts=texts, reads=reads, read=read, **more)  # type: ignore[arg-type]


def _unknown(name: str, kind: FieldType, texts: tuple[str, str], whys: tuple[str, str]) -> Field:
    return Field(
        name=name,
        type=kind,
        texts=texts,
        reads="",
        read=lambda _: None,
        known=Known.NO,
        whys=whys,
    )


def _ancestral(name: str, kind: FieldType, texts: tuple[str, str], reads: str, get: OfProcess) -> Field:
    """``proc.aname``, ``proc.aname[2]``: 0 is the process itself, 1 its parent."""

    def bind(argument: str) -> Reader:
        return _ancestors(get) if argument == "*" else _nth(get, index_of(argument))

    return _field(name, kind, texts, reads, _ancestors(get), bind=bind, argument=Argument.INDEX, several=Several.ANY)


def _bind_argument(argument: str) -> Reader:
    if argument == "*":
        return lambda event: event.lineage[-1].args[1:]
    index = index_of(argument)
    return lambda event: event.lineage[-1].args[index + 1] if index + 1 < len(event.lineage[-1].args) else None


def _bind_variable(argument: str) -> Reader:
    return lambda event: variable(event.lineage[-1], argument)


def _bind_ancestral_variable(argument: str) -> Reader:
    if argument == "*":
        return _ancestors(env)
    if argument.isdigit():
        return _nth(env, index_of(argument))
    return lambda event: next(
        (value for one in event.lineage[-2::-1] if (value := variable(one, argument)) is not None), None
    )


def _stream_field(number: int, stream: str, attribute: str, what: str, chinese: str) -> Field:
    def read(event: Event) -> Value:
        streams = event.lineage[-1].streams
        return getattr(streams[number], attribute) or None if number < len(streams) else None

    return _field(
        f"proc.{stream}.{what}",
        TEXT,
        (f"The {what} of its {stream}.", f"{stream} 的{chinese}。"),
        "streams",
        read,
        known=Known.NO,
        whys=_NOT_SAID,
    )


def _capability_field(what: str, chinese: str) -> Field:
    def read(event: Event) -> Value:
        held = event.lineage[-1].capabilities
        return None if held is None else linux.capabilities(getattr(held, what))

    return _field(
        f"thread.cap_{what}",
        TEXT,
        (f"Its {what} capabilities, such as `CAP_SYS_ADMIN`.", f"{chinese}权能，如 `CAP_SYS_ADMIN`。"),
        "capabilities",
        read,
    )


def _of_each() -> list[Field]:
    """The traits that a process, its parent and its ancestors have alike."""
    fields = []
    for trait, kind, (english, chinese), reads, get in (
        ("exe", TEXT, ("first argument (argv[0])", "第一个参数（argv[0]）"), "args exe", exe),
        ("exepath", TEXT, ("executable's path", "可执行文件路径"), "exe", exepath),
        ("name", TEXT, ("name, at most 15 characters (comm)", "名称，最多 15 个字符（comm）"), "comm", name),
        ("cmdline", TEXT, ("name and arguments", "名称和参数"), "comm args", cmdline),
        ("pid", NUMBER, ("number on the host", "主机上的进程号"), "pid", pid),
    ):
        fields += [
            _field(f"proc.{trait}", kind, (f"Its {english}.", f"进程的{chinese}。"), reads, _own(get)),
            _field(
                "proc.ppid" if trait == "pid" else f"proc.p{trait}",
                kind,
                (f"Its parent's {english}.", f"父进程的{chinese}。"),
                "ppid" if trait == "pid" else reads,
                # The number is known of a parent of which nothing else is.
                _own(lambda process: process.ppid or None) if trait == "pid" else _parent(get),
            ),
            _ancestral(
                f"proc.a{trait}",
                kind,
                (
                    f"Any ancestor's {english}; `[1]` is the parent's, `[0]` its own.",
                    f"任一祖先进程的{chinese}；`[1]` 为父进程，`[0]` 为自身。",
                ),
                reads,
                get,
            ),
        ]
    return fields


def _of_leaders() -> list[Field]:
    session: Callable[[Process], int | None] = lambda process: process.session  # noqa: E731
    group: Callable[[Process], int | None] = lambda process: process.group  # noqa: E731
    return [
        _field(
            full,
            TEXT,
            (
                f"The {english} of its {'session' if same is session else 'process group'}'s leader.",
                f"{'会话' if same is session else '进程组'}首进程的{chinese}。",
            ),
            f"{'session' if same is session else 'group'} {reads}",
            _leader(same, get),
            known=Known.PARTLY,
            whys=(
                "Only where the leader, or an ancestor that shares it, is still in the lineage.",
                "仅当首进程或同组的祖先仍在进程链中时可知。",
            ),
        )
        for names, english, chinese, reads, get in (
            (("proc.sname", "proc.pgid.name", "proc.vpgid.name"), "name", "名称", "comm", name),
            (("proc.sid.exe", "proc.pgid.exe", "proc.vpgid.exe"), "first argument", "第一个参数", "args exe", exe),
            (
                ("proc.sid.exepath", "proc.pgid.exepath", "proc.vpgid.exepath"),
                "executable",
                "可执行文件",
                "exe",
                exepath,
            ),
        )
        for full, same in zip(names, (session, group, group), strict=True)
    ]


PROCESS_FIELDS: Final[tuple[Field, ...]] = (
    *_of_each(),
    _field("proc.args", TEXT, ("Its arguments without the first; `[n]` one of them, `[*]` any.",
           "除第一个以外的参数；`[n]` 为其中一个，`[*]` 为任意一个。"), "args", _own(args),
           bind=_bind_argument, argument=Argument.INDEX),
    _field("proc.exeline", TEXT, ("All its arguments.", "全部参数。"), "args", _own(exeline)),
    _field("proc.cmdnargs", NUMBER, ("How many arguments, without the first.", "参数个数，不含第一个。"), "args",
           _own(lambda process: len(process.args) - 1 if process.args else None)),
    _field("proc.cmdlenargs", NUMBER, ("Characters in those arguments.", "这些参数的字符数。"), "args",
           _own(lambda process: sum(map(len, process.args[1:])) if process.args else None)),
    _field("proc.cwd", TEXT, ("Its working directory, with a slash at its end.", "工作目录，以斜杠结尾。"), "cwd", _own(cwd)),
    _field("proc.env", TEXT, ("Its environment; `[NAME]` the value of one variable.",
           "环境变量；`[NAME]` 为某个变量的值。"), "env", _own(env), bind=_bind_variable, argument=Argument.NAME,
           known=Known.PARTLY, whys=("Only the variables that some rule names.", "仅包含规则中提到的变量。")),
    _field("proc.aenv", TEXT, ("Any ancestor's environment; `[n]` of one of them, `[NAME]` the nearest value.",
           "任一祖先的环境变量；`[n]` 为其中一个，`[NAME]` 为最近的值。"), "env", _ancestors(env),
           bind=_bind_ancestral_variable, argument=Argument.NUMBER_OR_NAME, several=Several.ANY, known=Known.PARTLY,
           whys=("Only the variables that some rule names.", "仅包含规则中提到的变量。")),
    _field("proc.vpid", NUMBER, ("Its number in its own namespace.", "在自身命名空间中的进程号。"), "vpid",
           _own(lambda process: process.vpid)),
    _field("proc.pvpid", NUMBER, ("Its parent's number in the parent's namespace.", "父进程在其命名空间中的进程号。"), "vpid",
           _parent(lambda process: process.vpid)),
    _field("proc.tty", NUMBER, ("Its terminal: 0 for none; 1 where only known that there is one.",
           "控制终端：0 表示没有；仅知道存在时为 1。"), "terminal tty",
           _own(terminal), always=True),
    _field("proc.sid", NUMBER, ("Its session's number on the host.", "会话号（主机视角）。"), "session",
           _own(lambda process: process.session)),
    _field("proc.pgid", NUMBER, ("Its process group's number on the host.", "进程组号（主机视角）。"), "group",
           _own(lambda process: process.group)),
    _field("proc.vpgid", NUMBER, ("As `proc.pgid`: numbers are the host's.", "同 `proc.pgid`：编号均为主机视角。"), "group",
           _own(lambda process: process.group)),
    *_of_leaders(),
    _field("proc.is_sid_leader", FLAG, ("It leads its session.", "是会话首进程。"), "session pid",
           _own(lambda process: None if process.session is None else process.session == process.pid)),
    _field("proc.is_pgid_leader", FLAG, ("It leads its process group.", "是进程组首进程。"), "group pid",
           _own(lambda process: None if process.group is None else process.group == process.pid)),
    _field("proc.is_vpgid_leader", FLAG, ("As `proc.is_pgid_leader`.", "同 `proc.is_pgid_leader`。"), "group pid",
           _own(lambda process: None if process.group is None else process.group == process.pid)),
    _field("proc.loginshellid", NUMBER, ("The number of the eldest shell among it and its ancestors.",
           "自身及祖先中最早的 shell 的进程号。"), "comm pid", _login_shell),
    _field("proc.duration", NUMBER, ("Nanoseconds since it started.", "启动至今的纳秒数。"), "started",
           lambda event: nanoseconds(event.lineage[-1].started, event.at)),
    _field("proc.ppid.duration", NUMBER, ("Nanoseconds since its parent started.", "父进程启动至今的纳秒数。"), "started",
           lambda event: nanoseconds(event.lineage[-2].started, event.at) if len(event.lineage) > 1 else None),
    _field("proc.pid.ts", NUMBER, ("When it started, in nanoseconds since 1970.", "启动时刻（1970 年起的纳秒数）。"), "started",
           _own(lambda process: epoch(process.started))),
    _field("proc.ppid.ts", NUMBER, ("When its parent started.", "父进程的启动时刻。"), "started",
           _parent(lambda process: epoch(process.started))),
    _field("proc.is_exe_upper_layer", FLAG, ("Its executable is not in the image, or not as the image has it.",
           "可执行文件不在镜像中，或与镜像中的不同。"), "exe_new", new_program, always=True),
    _field("proc.is_exe_lower_layer", FLAG, ("Its executable is as the image has it.", "可执行文件与镜像中的一致。"), "exe_new",
           lambda event: not new_program(event), always=True),
    _field("proc.is_exe_from_memfd", FLAG, ("Its executable is only in memory.", "可执行文件仅存在于内存中。"), "exe_memfd",
           _own(lambda process: process.exe_memfd), always=True),
    _field("proc.is_exe_writable", FLAG, ("Its own user may write to its executable.", "其用户可写入自身的可执行文件。"),
           "exe_writable", _own(lambda process: process.exe_writable), known=Known.NO, whys=_NOT_SAID),
    _field("proc.exe_ino", NUMBER, ("Its executable's inode number.", "可执行文件的 inode 号。"), "exe_inode",
           _own(lambda process: process.exe_inode)),
    _field("proc.exe_ino.ctime", NUMBER, ("When its executable's inode changed last, in nanoseconds since 1970.",
           "可执行文件 inode 的最后变更时刻（1970 年起的纳秒数）。"), "exe_changed",
           _own(lambda process: epoch(process.exe_changed)), known=Known.NO, whys=_NOT_SAID),
    _field("proc.exe_ino.mtime", NUMBER, ("When its executable's content changed last.", "可执行文件内容的最后修改时刻。"),
           "exe_modified", _own(lambda process: epoch(process.exe_modified)), known=Known.NO, whys=_NOT_SAID),
    _field("proc.exe_ino.ctime_duration_proc_start", NUMBER, ("Nanoseconds from that change to its start.",
           "从该变更到进程启动的纳秒数。"), "exe_changed started",
           _own(lambda process: nanoseconds(process.exe_changed, process.started) if process.started else None),
           known=Known.NO, whys=_NOT_SAID),
    _unknown("proc.exe_ino.ctime_duration_pidns_start", NUMBER, ("From its pid namespace's start to that change.",
             "从 PID 命名空间启动到该变更。"), _NOT_SAID),
    _unknown("proc.pidns_init_start_ts", NUMBER, ("When its pid namespace began.", "PID 命名空间的启动时刻。"), _NOT_SAID),
    *(
        _stream_field(number, stream, attribute, what, chinese)
        for number, stream in enumerate(("stdin", "stdout", "stderr"))
        for attribute, what, chinese in (("kind", "type", "类型"), ("name", "name", "名称"))
    ),
    *(
        _unknown(f"proc.is_container_{what}", FLAG, (f"It runs as its container's {english}.", f"作为容器的{chinese}运行。"),
                 ("Engines do not mark these processes; Falco has given the field up too.",
                  "容器引擎不标记此类进程；Falco 也已弃用该字段。"))
        for what, english, chinese in (
            ("healthcheck", "health check", "健康检查"),
            ("liveness_probe", "liveness probe", "存活探针"),
            ("readiness_probe", "readiness probe", "就绪探针"),
        )
    ),
    *(
        _unknown(f"proc.{what}", NUMBER, (english, chinese), _NOT_COUNTED)
        for what, english, chinese in (
            ("fdopencount", "Open descriptors.", "打开的描述符数。"),
            ("fdlimit", "The most descriptors that it may open.", "可打开的描述符上限。"),
            ("fdusage", "Open descriptors of those it may open.", "描述符使用率。"),
            ("vmsize", "Virtual memory in KB.", "虚拟内存（KB）。"),
            ("vmrss", "Resident memory in KB.", "常驻内存（KB）。"),
            ("vmswap", "Swapped memory in KB.", "交换内存（KB）。"),
            ("nthreads", "Living threads.", "存活线程数。"),
            ("nchilds", "Living threads without the first.", "除主线程外的存活线程数。"),
        )
    ),
    _capability_field("effective", "有效"),
    _capability_field("permitted", "许可"),
    _capability_field("inheritable", "可继承"),
    _field("thread.tid", NUMBER, ("As `proc.pid`: threads are not told apart.", "同 `proc.pid`：不区分线程。"), "pid", _own(pid),
           known=Known.PARTLY, whys=("Threads are not told apart.", "不区分线程。")),
    _field("thread.vtid", NUMBER, ("As `proc.vpid`.", "同 `proc.vpid`。"), "vpid", _own(lambda process: process.vpid),
           known=Known.PARTLY, whys=("Threads are not told apart.", "不区分线程。")),
    _unknown("thread.ismain", FLAG, ("It is its process's first thread.", "是进程的主线程。"),
             ("Threads are not told apart.", "不区分线程。")),
    _unknown("thread.cgroups", TEXT, ("Its cgroups.", "所属 cgroup。"), _NOT_SAID),
    *(
        _unknown(f"thread.{what}", NUMBER, (f"`{what}` of the thread.", f"线程的 `{what}`。"), _NOT_COUNTED)
        for what in ("pfmajor", "pfminor", "vmsize", "vmrss", "cpu", "exectime", "totexectime")
    ),
)  # fmt: skip
