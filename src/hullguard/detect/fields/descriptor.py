"""``fd.*``: the file or connection that the event is about."""

# ruff: noqa: E501 - a field a line, in two languages, reads best

from collections.abc import Callable
from typing import Final

from hullguard.detect.fields import linux
from hullguard.detect.fields.field import Argument, Field, FieldType, Known, Reader, Several, Value
from hullguard.detect.fields.paths import base_of, directory_of, file_path
from hullguard.model.event import Endpoint, Event, EventKind, Socket

TEXT, NUMBER, FLAG, PORT = FieldType.TEXT, FieldType.NUMBER, FieldType.FLAG, FieldType.PORT
ADDRESS, NETWORK = FieldType.ADDRESS, FieldType.NETWORK

SOCKET_KINDS: Final = frozenset(
    {
        EventKind.SOCKET,
        EventKind.CONNECT,
        EventKind.ACCEPT,
        EventKind.BIND,
        EventKind.LISTEN,
        EventKind.SEND,
        EventKind.DUP,
        EventKind.DNS,
    }
)
DESCRIPTOR_KINDS: Final = SOCKET_KINDS | {
    EventKind.FILE_OPEN,
    EventKind.FILE_MODE,
    EventKind.FILE_OWNER,
    EventKind.MODULE,
    EventKind.MEMFD,
    EventKind.SPLICE,
}
_FILE: Final = frozenset({EventKind.FILE_OPEN, EventKind.FILE_MODE, EventKind.FILE_OWNER, EventKind.DUP})
_NAMES_OF_ADDRESSES = (
    "Only of the Kubernetes API server, whose address a pod's specification holds; no DNS answers are read.",
    "仅限 Kubernetes API 服务器（其地址来自 Pod 的规格）；不读取 DNS 应答。",
)
_CHARACTERS = {
    "file": "f",
    "directory": "d",
    "block": "f",
    "character": "f",
    "pipe": "p",
    "memfd": "m",
    "ipv4": "4",
    "ipv6": "6",
    "unix": "u",
    "netlink": "n",
}


def kind(event: Event) -> str | None:
    """``fd.type``: a device is a file here, as in Falco."""
    if event.socket is not None:
        return event.socket.family
    if event.file is not None:
        return "file" if event.file.kind in {"block", "character"} else event.file.kind
    return "file" if event.kind is EventKind.FILE_OPEN else None


def character(event: Event) -> str | None:
    """``fd.typechar``; ``o`` for what has no letter."""
    said = kind(event)
    return None if said is None else _CHARACTERS.get(said, "o")


def number(event: Event) -> int | None:
    """``fd.num``: -1 where an open failed; 0 where the kernel told of it before it had a number."""
    if event.kind is EventKind.FILE_OPEN:
        return 0 if event.result is None else max(event.result, -1)
    given = event.arguments.get("fd")
    return given if isinstance(given, int) else None


def client(socket: Socket) -> Endpoint | None:
    return socket.remote if socket.inbound else socket.local


def server(socket: Socket) -> Endpoint | None:
    """A socket that only listens is a server."""
    return socket.local if socket.inbound or socket.remote is None else socket.remote


def _end(end: Endpoint | None) -> str:
    if end is None:
        return ""
    return f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"


def name(event: Event) -> str | None:
    """``fd.name``: a path, or ``CLIENT:PORT->SERVER:PORT``."""
    socket = event.socket
    if socket is None:
        return file_path(event) if event.kind in DESCRIPTOR_KINDS else None
    if socket.family == "unix":
        ends = (socket.remote, socket.local)
        return next((end.address for end in ends if end is not None and end.address), None)
    if socket.remote is None:
        return _end(socket.local) or None
    return f"{_end(client(socket))}->{_end(server(socket))}"


def _directory(event: Event) -> str | None:
    path = name(event) if event.socket is None else None
    if path is None:
        return None
    return path if kind(event) == "directory" else directory_of(path)


def _filename(event: Event) -> str | None:
    path = name(event) if event.socket is None else None
    return None if path is None or kind(event) == "directory" else base_of(path)


def _internet(event: Event) -> Socket | None:
    socket = event.socket
    return socket if socket is not None and socket.family in {"ipv4", "ipv6"} else None


def _of_end(which: Callable[[Socket], Endpoint | None], get: Callable[[Endpoint], Value]) -> Reader:
    def read(event: Event) -> Value:
        socket = _internet(event)
        end = None if socket is None else which(socket)
        return None if end is None else get(end)

    return read


def _of_both(get: Callable[[Endpoint], Value]) -> Reader:
    def read(event: Event) -> Value:
        socket = _internet(event)
        ends = () if socket is None else (socket.local, socket.remote)
        return tuple(get(end) for end in ends if end is not None)

    return read


def _protocol(event: Event) -> str | None:
    """``fd.l4proto``; from the socket's kind where the protocol was left to the kernel."""
    socket = _internet(event)
    if socket is None:
        return None
    if socket.protocol:
        return linux.PROTOCOLS.get(socket.protocol, "raw" if socket.kind == "raw" else None)
    return {"stream": "tcp", "datagram": "udp", "raw": "raw"}.get(socket.kind)


def _connected(event: Event) -> bool | None:
    return None if event.socket is None else event.kind is not EventKind.SEND and event.socket.remote is not None


def _file(name: str, kind: FieldType, texts: tuple[str, str], reads: str, read: Reader, **more: object) -> Field:
    return Field(
        name=name,
        type=kind,
        texts=texts,
        reads=reads,
        read=read,
        kinds=_FILE,
        **more,  # type: ignore[arg-type]
    )


def _socket(name: str, kind: FieldType, texts: tuple[str, str], reads: str, read: Reader, **more: object) -> Field:
    return Field(
        name=name,
        type=kind,
        texts=texts,
        reads=", ".join(f"socket.{attribute}" for attribute in reads.split()),
        read=read,
        kinds=SOCKET_KINDS,
        **more,  # type: ignore[arg-type]
    )


def _ends() -> list[Field]:
    fields = []
    for letter, english, chinese, which, reads in (
        ("c", "client's", "客户端", client, "local remote inbound"),
        ("s", "server's", "服务端", server, "local remote inbound"),
        ("l", "local", "本端", lambda socket: socket.local, "local"),
        ("r", "remote", "对端", lambda socket: socket.remote, "remote"),
    ):
        address: Callable[[Endpoint], Value] = lambda end: end.address  # noqa: E731
        port: Callable[[Endpoint], Value] = lambda end: end.port  # noqa: E731
        named: Callable[[Endpoint], Value] = lambda end: end.name or None  # noqa: E731
        fields += [
            _socket(f"fd.{letter}ip", ADDRESS, (f"The {english} address.", f"{chinese}地址。"), reads, _of_end(which, address)),
            _socket(f"fd.{letter}net", NETWORK, (f"The {english} address, in a network.", f"{chinese}地址，与网段比较。"),
                    reads, _of_end(which, address)),
            _socket(f"fd.{letter}port", PORT, (f"The {english} port.", f"{chinese}端口。"), reads, _of_end(which, port)),
            _socket(f"fd.{letter}proto", PORT, (f"As `fd.{letter}port`.", f"同 `fd.{letter}port`。"), reads,
                    _of_end(which, port)),
            _socket(f"fd.{letter}ip.name", TEXT, (f"What the {english} address is called.",
                    f"{chinese}地址对应的名称。"), reads, _of_end(which, named),
                    known=Known.PARTLY, whys=_NAMES_OF_ADDRESSES),
        ]  # fmt: skip
    return fields


DESCRIPTOR_FIELDS: Final[tuple[Field, ...]] = (
    Field(name="fd.num", type=NUMBER, kinds=DESCRIPTOR_KINDS, read=number, reads="result, arguments.fd",
          texts=("The descriptor; of an open -1 where it failed, 0 where it was told before it had a number.",
                 "文件描述符；打开失败时为 -1，内核在得到编号前上报时为 0。")),
    Field(name="fd.type", type=TEXT, kinds=DESCRIPTOR_KINDS, read=kind, reads="file.kind, socket.family",
          texts=("`file`, `directory`, `pipe`, `memfd`, `ipv4`, `ipv6`, `unix`, `netlink`, `packet`.",
                 "`file`、`directory`、`pipe`、`memfd`、`ipv4`、`ipv6`、`unix`、`netlink`、`packet`。")),
    Field(name="fd.typechar", type=TEXT, kinds=DESCRIPTOR_KINDS, read=character, reads="file.kind, socket.family",
          texts=("The same as a letter: `f`, `d`, `p`, `m`, `4`, `6`, `u`, `n`, else `o`.",
                 "同上，以字母表示：`f`、`d`、`p`、`m`、`4`、`6`、`u`、`n`，其余为 `o`。")),
    Field(name="fd.name", type=TEXT, kinds=DESCRIPTOR_KINDS, read=name, reads="path, known_as, raw_path, socket.local, socket.remote",
          by_name=True,
          texts=("The file's path, under each of its names; or `CLIENT:PORT->SERVER:PORT`.",
                 "文件路径（逐一考虑文件的各个名称）；或 `客户端:端口->服务端:端口`。")),
    Field(name="fd.nameraw", type=TEXT, kinds=frozenset({EventKind.FILE_OPEN}), read=lambda event: event.raw_path,
          reads="raw_path", texts=("The path as the program wrote it.", "程序给出的原始路径。")),
    _file("fd.directory", TEXT, ("The directory that the file is in.", "文件所在目录。"), "path, known_as, raw_path", _directory,
          by_name=True),
    _file("fd.filename", TEXT, ("The file's name without its directory.", "不含目录的文件名。"), "path, known_as, raw_path",
          _filename, by_name=True),
    _file("fd.containername", TEXT, ("`CONTAINER:PATH`.", "`容器:路径`。"), "container.id, path",
          lambda event: None if (said := name(event)) is None else f"{event.container.id[:12]}:{said}", by_name=True),
    _file("fd.containerdirectory", TEXT, ("`CONTAINER:DIRECTORY`.", "`容器:目录`。"), "container.id, path",
          lambda event: None if (said := _directory(event)) is None else f"{event.container.id[:12]}:{said}", by_name=True),
    _file("fd.ino", NUMBER, ("The file's inode number.", "文件 inode 号。"), "file.inode",
          lambda event: event.file.inode if event.file else None),
    _file("fd.dev", NUMBER, ("The number of the device that the file is on.", "文件所在设备号。"), "file.device",
          lambda event: event.file.device if event.file else None),
    _file("fd.dev.major", NUMBER, ("That device's major number.", "主设备号。"), "file.device",
          lambda event: event.file.device >> 20 if event.file else None),
    _file("fd.dev.minor", NUMBER, ("That device's minor number.", "次设备号。"), "file.device",
          lambda event: event.file.device & 0xFFFFF if event.file else None),
    _file("fd.is_upper_layer", FLAG, ("The file lies in the container's writable layer.", "文件位于容器的可写层。"), "file.upper",
          lambda event: event.file.upper if event.file else None),
    _file("fd.is_lower_layer", FLAG, ("The file lies in the image.", "文件位于镜像层。"), "file.upper",
          lambda event: not event.file.upper if event.file else None),
    _file("fd.filesystem", TEXT, ("`overlay`, `proc`, `sysfs`, `cgroup`, `tmpfs`, …; Hullguard's own field.",
          "`overlay`、`proc`、`sysfs`、`cgroup`、`tmpfs` 等；Hullguard 扩展字段。"), "file.file_system",
          lambda event: event.file.file_system or None if event.file else None),
    *_ends(),
    _socket("fd.ip", ADDRESS, ("Either end's address.", "任一端的地址。"), "local remote", _of_both(lambda end: end.address),
            several=Several.EITHER),
    _socket("fd.net", NETWORK, ("Either end's address, in a network.", "任一端的地址，与网段比较。"), "local remote",
            _of_both(lambda end: end.address), several=Several.EITHER),
    _socket("fd.port", PORT, ("Either end's port.", "任一端的端口。"), "local remote", _of_both(lambda end: end.port),
            several=Several.EITHER),
    _socket("fd.proto", PORT, ("As `fd.port`.", "同 `fd.port`。"), "local remote", _of_both(lambda end: end.port),
            several=Several.EITHER),
    _socket("fd.l4proto", TEXT, ("`tcp`, `udp`, `icmp` or `raw`.", "`tcp`、`udp`、`icmp` 或 `raw`。"), "protocol kind",
            _protocol),
    _socket("fd.sockfamily", TEXT, ("`ip` or `unix`.", "`ip` 或 `unix`。"), "family",
            lambda event: None if event.socket is None
            else {"ipv4": "ip", "ipv6": "ip", "unix": "unix"}.get(event.socket.family)),
    _socket("fd.is_server", FLAG, ("The process is the connection's server.", "该进程是连接的服务端。"), "inbound",
            lambda event: None if event.socket is None else event.socket.inbound or event.kind is EventKind.LISTEN),
    _socket("fd.connected", FLAG, ("It has a peer; a datagram sent without one has not.", "已连接对端；未连接的数据报为否。"),
            "remote", _connected),
    _socket("fd.name_changed", FLAG, ("A datagram sent to a peer of its own.", "数据报发送至单独指定的对端。"), "remote",
            lambda event: None if event.socket is None else event.kind is EventKind.SEND and event.socket.remote is not None),
    Field(name="fd.uid", type=TEXT, kinds=DESCRIPTOR_KINDS, reads="process.pid, result, arguments.fd",
          texts=("Process and descriptor in one.", "进程号与描述符的组合。"),
          read=lambda event: None if (fd := number(event)) is None else f"{event.lineage[-1].pid}{fd}"),
    Field(name="fd.types", type=TEXT, several=Several.LIST, argument=Argument.INDEX, reads="", known=Known.NO,
          read=lambda _: None, bind=lambda _: lambda _: None,
          texts=("The types of all the descriptors of the process.", "进程全部描述符的类型。"),
          whys=("The sensor keeps no table of descriptors.", "传感器不维护描述符表。")),
)  # fmt: skip
