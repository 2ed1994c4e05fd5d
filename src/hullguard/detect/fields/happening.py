"""``evt.*``, ``syscall.type``, ``fs.path.*`` and ``dns.*``: what was done, and to which paths."""

# ruff: noqa: E501 - a field a line, in two languages, reads best

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from hullguard.detect.fields import arguments, linux
from hullguard.detect.fields.calls import RING, event_type
from hullguard.detect.fields.field import Argument, Field, FieldType, Known, Reader, Several, Value, index_of
from hullguard.detect.fields.paths import FILE_KINDS, PAIR_KINDS, absolute, file_path
from hullguard.detect.fields.process import epoch
from hullguard.model.event import Event, EventKind

TEXT, NUMBER, FLAG = FieldType.TEXT, FieldType.NUMBER, FieldType.FLAG
OPEN: Final = frozenset({EventKind.FILE_OPEN})
_NETWORK: Final = frozenset(
    {
        EventKind.SOCKET,
        EventKind.CONNECT,
        EventKind.ACCEPT,
        EventKind.BIND,
        EventKind.LISTEN,
        EventKind.SEND,
        EventKind.DNS,
    }
)
_PROCESS: Final = frozenset(
    {
        EventKind.EXEC,
        EventKind.FORK,
        EventKind.EXIT,
        EventKind.PTRACE,
        EventKind.NAMESPACE,
        EventKind.PROCESS_MEMORY,
    }
)
_BUFFERS = ("The sensor does not copy what is read and written.", "传感器不复制读写的数据内容。")
_OTHER_EVENTS = ("Only Falco's plug-ins make such events.", "仅 Falco 的插件产生此类事件。")
_MEANINGLESS = ("Events are judged one by one, as they come.", "事件逐个判定，不计相互间隔。")


def category(event: Event) -> str:
    """``evt.category``, in Falco's words."""
    if event.kind in _NETWORK:
        return "net"
    if event.kind in _PROCESS:
        return "process"
    if event.kind is EventKind.SIGNAL:
        return "signal"
    if event.kind is EventKind.CREDENTIALS:
        return "user"
    if event.kind is EventKind.MEMORY_PROTECTION:
        return "memory"
    if event.kind in FILE_KINDS or event.kind in PAIR_KINDS or event.kind in {EventKind.DUP, EventKind.MEMFD}:
        return "file"
    return "system"


def creates(event: Event) -> bool:
    file = event.file
    return file is not None and (file.created or file.flags & linux.O_TMPFILE == linux.O_TMPFILE)


def _makes_executable(event: Event) -> bool:
    mode = event.arguments.get("mode")
    return creates(event) and isinstance(mode, int) and bool(mode & 0o111)


def failed(event: Event) -> bool:
    return event.result is not None and event.result < 0


def _clock(event: Event, form: str) -> str:
    """The event's time in UTC; nanoseconds are as exact as the sensor's clock."""
    return event.at.astimezone(UTC).strftime(form)


def _seconds(moment: datetime) -> int:
    return (epoch(moment) or 0) // 1_000_000_000


def _bind_argument(argument: str) -> Reader:
    return arguments.numbered(index_of(argument)) if argument.isdigit() else arguments.named(argument)


def _bind_raw(argument: str) -> Reader:
    """``evt.rawarg``: the number behind the words, where there is one."""

    def read(event: Event) -> Value:
        if argument == "res":
            return event.result or 0
        value = event.arguments.get(argument)
        if value is None and argument == "flags" and event.file is not None:
            value = event.file.flags
        if value is None and argument == "mode" and event.file is not None:
            value = event.file.mode
        return value if isinstance(value, int) else None

    return read


def _succeeded(read: Callable[[Event], str | None], kinds: frozenset[EventKind]) -> Reader:
    """``fs.path.*`` speaks of calls that succeeded, as in Falco."""
    return lambda event: read(event) if event.kind in kinds and not failed(event) else None


def _raw(event: Event) -> str | None:
    return event.raw_path if event.raw_path is not None else event.path


def _raw_target(event: Event) -> str | None:
    value = event.arguments.get("raw_target", event.target)
    return None if value is None else str(value)


def leads_to(event: Event) -> str | None:
    """What a link leads to is its target; of a symbolic one it may be relative to the link."""
    if event.kind is not EventKind.FILE_SYMLINK or event.target is None or event.target.startswith("/"):
        return event.target if event.kind is not EventKind.MOUNT else event.path
    place = file_path(event)
    return None if place is None else absolute(event, f"{place.rpartition('/')[0]}/{event.target}")


def _source(event: Event) -> str | None:
    """Of a rename and a mount what is moved, of a link the new name."""
    if event.kind is EventKind.MOUNT:
        return event.target
    return file_path(event)


def _evt(name: str, kind: FieldType, texts: tuple[str, str], reads: str, read: Reader, **more: object) -> Field:
    return Field(name=name, type=kind, texts=texts, reads=reads, read=read, **more)  # type: ignore[arg-type]


def _unknown(name: str, kind: FieldType, texts: tuple[str, str], whys: tuple[str, str]) -> Field:
    return Field(name=name, type=kind, texts=texts, reads="", read=lambda _: None, known=Known.NO, whys=whys)


HAPPENING_FIELDS: Final[tuple[Field, ...]] = (
    _evt("evt.type", TEXT, ("The system call; `container` for a container's start, `procexit` for a process's end.",
         "系统调用名；容器启动为 `container`，进程结束为 `procexit`。"), "kind, call", event_type, always=True),
    _evt("syscall.type", TEXT, ("As `evt.type`.", "同 `evt.type`。"), "kind, call", event_type, always=True),
    _evt("evt.dir", TEXT, ("Both `>` and `<`: a call is one event here, told with its result.",
         "同时为 `>` 和 `<`：一次调用在此是一个带结果的事件。"), "kind", lambda _: ("<", ">"), several=Several.ANY, always=True),
    _evt("evt.category", TEXT, ("`file`, `net`, `process`, `memory`, `signal`, `user` or `system`.",
         "`file`、`net`、`process`、`memory`、`signal`、`user` 或 `system`。"), "kind", category, always=True),
    _evt("evt.num", NUMBER, ("The event's number, from 1.", "事件编号，从 1 开始。"), "sequence",
         lambda event: max(event.sequence, 1), always=True, least=1),
    _evt("evt.res", TEXT, ("`SUCCESS`, or the error's name such as `ENOENT`.", "`SUCCESS`，或错误名，如 `ENOENT`。"), "result",
         arguments.result, always=True),
    _evt("evt.rawres", NUMBER, ("What the call answered; negative for an error.", "调用的返回值；负数表示错误。"), "result",
         lambda event: event.result or 0, always=True),
    _evt("evt.failed", FLAG, ("The call failed.", "调用失败。"), "result", failed, always=True),
    _evt("evt.args", TEXT, ("All arguments: `name=value name=value`.", "全部参数：`name=value name=value`。"), "arguments",
         arguments.all_of, always=True),
    _evt("evt.info", TEXT, ("As `evt.args`.", "同 `evt.args`。"), "arguments", arguments.all_of, always=True),
    Field(name="evt.arg", type=TEXT, argument=Argument.NUMBER_OR_NAME, bind=_bind_argument, prefix=True, kinds_with=arguments.kinds_with,
          reads="arguments and others",
          texts=("One argument: `evt.arg.flags`, `evt.arg[1]`.", "某个参数：`evt.arg.flags`、`evt.arg[1]`。")),
    Field(name="evt.rawarg", type=NUMBER, argument=Argument.NAME, bind=_bind_raw, prefix=True, reads="arguments",
          texts=("The number behind an argument.", "参数的原始数值。")),
    _evt("evt.is_open_read", FLAG, ("Opened for reading.", "以读方式打开。"), "reads",
         lambda event: event.kind is EventKind.FILE_OPEN and event.reads, always=True),
    _evt("evt.is_open_write", FLAG, ("Opened for writing.", "以写方式打开。"), "writes",
         lambda event: event.kind is EventKind.FILE_OPEN and event.writes, always=True),
    _evt("evt.is_open_create", FLAG, ("The open made the file.", "打开时创建了文件。"), "file.created, file.flags",
         lambda event: event.kind is EventKind.FILE_OPEN and not failed(event) and creates(event), always=True),
    _evt("evt.is_open_exec", FLAG, ("The open made a file that may be executed.", "打开时创建了可执行文件。"),
         "file.created, arguments.mode",
         lambda event: event.kind is EventKind.FILE_OPEN and _makes_executable(event), always=True),
    _evt("evt.is_ring", FLAG, ("It came through io_uring; Hullguard's own field.", "经由 io_uring 提交；Hullguard 扩展字段。"), "call",
         lambda event: event.call.startswith(RING), always=True),
    _evt("evt.source", TEXT, ("Always `syscall`.", "恒为 `syscall`。"), "", lambda _: "syscall", always=True),
    _evt("evt.hostname", TEXT, ("The node's host name.", "节点主机名。"), "host", lambda event: event.host or None),
    _evt("evt.time", TEXT, ("`07:08:09.123456000`, UTC.", "`07:08:09.123456000`，UTC。"), "at",
         lambda event: _clock(event, "%H:%M:%S.%f000"), always=True),
    _evt("evt.time.s", TEXT, ("`07:08:09`, UTC.", "`07:08:09`，UTC。"), "at", lambda event: _clock(event, "%H:%M:%S"), always=True),
    _evt("evt.time.iso8601", TEXT, ("`2024-05-06T07:08:09.123456000+0000`.", "`2024-05-06T07:08:09.123456000+0000`。"), "at",
         lambda event: _clock(event, "%Y-%m-%dT%H:%M:%S.%f000+0000"), always=True),
    _evt("evt.datetime", TEXT, ("`2024-05-06 07:08:09.123456000`, UTC.", "`2024-05-06 07:08:09.123456000`，UTC。"), "at",
         lambda event: _clock(event, "%Y-%m-%d %H:%M:%S.%f000"), always=True),
    _evt("evt.datetime.s", TEXT, ("`2024-05-06 07:08:09`, UTC.", "`2024-05-06 07:08:09`，UTC。"), "at",
         lambda event: _clock(event, "%Y-%m-%d %H:%M:%S"), always=True),
    _evt("evt.rawtime", NUMBER, ("Nanoseconds since 1970.", "1970 年起的纳秒数。"), "at", lambda event: epoch(event.at), always=True),
    _evt("evt.rawtime.s", NUMBER, ("Seconds since 1970.", "1970 年起的秒数。"), "at", lambda event: _seconds(event.at), always=True),
    _evt("evt.rawtime.ns", NUMBER, ("Nanoseconds within that second.", "该秒内的纳秒数。"), "at",
         lambda event: (epoch(event.at) or 0) % 1_000_000_000, always=True),
    _evt("evt.count", NUMBER, ("Always 1.", "恒为 1。"), "", lambda _: 1, always=True, least=1),
    _evt("evt.is_async", FLAG, ("True for a container's start.", "容器启动事件为真。"), "kind",
         lambda event: event.kind is EventKind.CONTAINER_START, always=True),
    _evt("evt.asynctype", TEXT, ("`container` for a container's start.", "容器启动事件为 `container`。"), "kind",
         lambda event: "container" if event.kind is EventKind.CONTAINER_START else None,
         kinds=frozenset({EventKind.CONTAINER_START})),
    Field(name="evt.abspath", type=TEXT, reads="path, target", kinds=FILE_KINDS | PAIR_KINDS, read=file_path,
          texts=("The path that the call names, from the root.", "调用所指路径的绝对形式。")),
    Field(name="evt.abspath.src", type=TEXT, reads="path, target", kinds=PAIR_KINDS, read=_source,
          texts=("Of two paths the first.", "两个路径中的第一个。")),
    Field(name="evt.abspath.dst", type=TEXT, reads="path, target", kinds=PAIR_KINDS, read=leads_to,
          texts=("Of two paths the second.", "两个路径中的第二个。")),
    _unknown("evt.buffer", FieldType.BYTES, ("What was read or written.", "读写的数据。"), _BUFFERS),
    _unknown("evt.buflen", NUMBER, ("How much was read or written.", "读写的数据量。"), _BUFFERS),
    _unknown("evt.is_io", FLAG, ("It reads or writes.", "是读写操作。"), _BUFFERS),
    _unknown("evt.is_io_read", FLAG, ("It reads.", "是读操作。"), _BUFFERS),
    _unknown("evt.is_io_write", FLAG, ("It writes.", "是写操作。"), _BUFFERS),
    _unknown("evt.io_dir", TEXT, ("`read` or `write`.", "`read` 或 `write`。"), _BUFFERS),
    _unknown("evt.is_syslog", FLAG, ("It writes to the system's log.", "写入系统日志。"), _BUFFERS),
    _unknown("evt.is_wait", FLAG, ("It makes the thread wait.", "使线程等待。"), _BUFFERS),
    _unknown("evt.cpu", NUMBER, ("The processor that it happened on.", "事件发生的处理器。"),
             ("The agent does not keep it.", "Agent 不保留此信息。")),
    *(
        _unknown(f"evt.{name}", NUMBER, (f"`{name}` of Falco.", f"Falco 的 `{name}`。"), _MEANINGLESS)
        for name in ("latency", "latency.s", "latency.ns", "deltatime", "deltatime.s", "deltatime.ns", "reltime",
                     "reltime.s", "reltime.ns", "wait_latency", "count.error", "count.exit")
    ),
    _unknown("evt.pluginname", TEXT, ("The plug-in that made the event.", "产生事件的插件。"), _OTHER_EVENTS),
    _unknown("evt.plugininfo", TEXT, ("What that plug-in says.", "插件给出的信息。"), _OTHER_EVENTS),
    Field(name="fs.path.name", type=TEXT, kinds=FILE_KINDS, reads="path, known_as, raw_path", by_name=True,
          read=_succeeded(file_path, FILE_KINDS),
          texts=("The path that a successful call works on, under each of its names.",
                 "成功的调用所操作的路径（逐一考虑各个名称）。")),
    Field(name="fs.path.nameraw", type=TEXT, kinds=FILE_KINDS, reads="raw_path", read=_succeeded(_raw, FILE_KINDS),
          texts=("The same as the program wrote it.", "同上，程序给出的原始形式。")),
    Field(name="fs.path.source", type=TEXT, kinds=PAIR_KINDS, reads="path, target", read=_succeeded(_source, PAIR_KINDS),
          texts=("Of a rename or mount what is moved, of a link the new name.", "重命名、挂载的来源；链接的新名称。")),
    Field(name="fs.path.sourceraw", type=TEXT, kinds=PAIR_KINDS, reads="raw_path, arguments.raw_target",
          read=_succeeded(lambda event: _raw_target(event) if event.kind is EventKind.MOUNT else _raw(event), PAIR_KINDS),
          texts=("The same as the program wrote it.", "同上，程序给出的原始形式。")),
    Field(name="fs.path.target", type=TEXT, kinds=PAIR_KINDS, reads="path, target", read=_succeeded(leads_to, PAIR_KINDS),
          texts=("Of a rename or mount where it goes, of a link what it leads to.", "重命名、挂载的去向；链接所指的对象。")),
    Field(name="fs.path.targetraw", type=TEXT, kinds=PAIR_KINDS, reads="raw_path, arguments.raw_target",
          read=_succeeded(lambda event: _raw(event) if event.kind is EventKind.MOUNT else _raw_target(event), PAIR_KINDS),
          texts=("The same as the program wrote it.", "同上，程序给出的原始形式。")),
    Field(name="dns.question", type=TEXT, kinds=frozenset({EventKind.DNS}), reads="arguments.name",
          read=lambda event: str(said) if (said := event.arguments.get("name")) is not None else None,
          texts=("The name asked for; Hullguard's own field.", "查询的域名；Hullguard 扩展字段。")),
    Field(name="dns.type", type=TEXT, kinds=frozenset({EventKind.DNS}), reads="arguments.type",
          read=lambda event: str(said) if (said := event.arguments.get("type")) is not None else None,
          texts=("`A`, `AAAA`, `TXT`, …; Hullguard's own field.", "`A`、`AAAA`、`TXT` 等；Hullguard 扩展字段。")),
)  # fmt: skip
