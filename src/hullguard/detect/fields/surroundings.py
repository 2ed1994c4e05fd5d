"""``user.*``, ``group.*``, ``container.*``, ``k8s.*``: for whom and where it happened."""

# ruff: noqa: E501 - a field a line, in two languages, reads best

import re
from collections.abc import Callable, Mapping
from typing import Final

from hullguard.detect.fields.field import Argument, Field, FieldType, Known, Reader, Value, index_of
from hullguard.detect.fields.process import epoch, nanoseconds
from hullguard.detect.fields.wildcards import compiled
from hullguard.model.event import ContainerDetails, Event, Mount, Pod, Process

TEXT, NUMBER, FLAG = FieldType.TEXT, FieldType.NUMBER, FieldType.FLAG
HOST: Final = "host"
"""The id of what is in no container."""

_NO_DETAILS = (
    "The agent does not ask the engine for it yet.",
    "Agent 尚未向容器引擎查询此信息。",
)
_SPECIFIED = (
    "Where the specification that the engine wrote for the container was found.",
    "在找到容器引擎为该容器写下的规范文件时可知。",
)
_OF_DOCKER = ("Docker's only.", "仅 Docker 容器。")
_DOCKERS_FILES = (
    "Where the files that Docker keeps of the container were found; not of BuildKit, buildah and kaniko.",
    "在找到 Docker 为该容器保存的文件时可知；BuildKit、buildah 与 kaniko 的构建不可知。",
)
_OF_CRI_O = ("CRI-O's only.", "仅 CRI-O 容器。")
_NO_NAMES = ("The agent does not read the password files of containers.", "Agent 不读取容器内的密码文件。")
_LATE = ("Not in a container's first moments, before its engine was asked.", "容器启动之初、尚未查询引擎时未知。")
_GIVEN_UP = ("Engines do not say it; Falco has given the field up too.", "容器引擎不提供；Falco 也已弃用该字段。")
_CONTROL_PLANE = (
    "Only the cluster's API knows it; Falco needs its k8smeta plug-in for it.",
    "仅集群 API 可知；Falco 需借助 k8smeta 插件。",
)
_REFERENCE = re.compile(
    r"(?P<repository>.+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[\w+.-]+:[0-9a-fA-F]+))?", re.DOTALL
)


def _reference(part: str) -> Reader:
    """A part of ``registry:5000/name:tag@sha256:…``."""

    def read(event: Event) -> Value:
        if event.image is None or not event.image.name:
            return None
        found = _REFERENCE.fullmatch(event.image.name)
        return found[part] if found else None

    return read


def _digest(event: Event) -> Value:
    details = event.container_details
    return details.image_digest if details and details.image_digest else _reference("digest")(event)


def _short(identity: str) -> str:
    """The first twelve digits, as engines show them."""
    return identity[:12]


def _container_id(event: Event) -> str:
    return _short(event.container.id)


def _outside(event: Event) -> bool:
    return event.container.id == HOST


def _container_name(event: Event) -> str | None:
    return HOST if _outside(event) else event.container.name or None


def _of_user(get: Callable[[Process], Value]) -> Reader:
    return lambda event: get(event.lineage[-1])


def _of_details(get: Callable[[ContainerDetails], Value]) -> Reader:
    return lambda event: None if event.container_details is None else get(event.container_details)


def _of_pod(get: Callable[[Pod], Value]) -> Reader:
    def read(event: Event) -> Value:
        details = event.container_details
        return None if details is None or details.pod is None else get(details.pod)

    return read


def _labels(labels: Mapping[str, str]) -> str:
    """Without what Kubernetes itself keeps there."""
    own = ("annotation.", "io.kubernetes.")
    return ", ".join(f"{key}:{value}" if value else key for key, value in labels.items() if not key.startswith(own))


def _label(of: Callable[[Event], Mapping[str, str] | None]) -> Callable[[str], Reader]:
    def bind(name: str) -> Reader:
        def read(event: Event) -> Value:
            labels = of(event)
            return None if labels is None else labels.get(name)

        return read

    return bind


def _container_labels(event: Event) -> Mapping[str, str] | None:
    return None if event.container_details is None else event.container_details.labels


def _pod_labels(event: Event) -> Mapping[str, str] | None:
    details = event.container_details
    return None if details is None or details.pod is None else details.pod.labels


def _written(mount: Mount) -> str:
    return ":".join((mount.source, mount.destination, mount.mode, str(mount.writable).lower(), mount.propagation))


def _mounts(event: Event) -> tuple[Mount, ...] | None:
    return None if event.container_details is None else event.container_details.mounts


def _mount(get: Callable[[Mount], str], key: Callable[[Mount], str]) -> Callable[[str], Reader]:
    """By number, by path or wildcard of ``key``, or every one."""

    def bind(argument: str) -> Reader:
        if argument == "*":
            return lambda event: tuple(map(get, _mounts(event) or ()))
        if argument.isdigit():
            index = index_of(argument)
            return lambda event: get(found[index]) if (found := _mounts(event)) and index < len(found) else None
        pattern = compiled(argument)
        return lambda event: next((get(one) for one in _mounts(event) or () if pattern.fullmatch(key(one))), None)

    return bind


def _info(event: Event) -> str:
    return f"container_id={_container_id(event)} container_name={_container_name(event) or '<NA>'}"


def _field(name: str, kind: FieldType, texts: tuple[str, str], reads: str, read: Reader, **more: object) -> Field:
    return Field(name=name, type=kind, texts=texts, reads=reads, read=read, **more)  # type: ignore[arg-type]


def _detail(
    name: str,
    kind: FieldType,
    texts: tuple[str, str],
    reads: str,
    get: Callable[[ContainerDetails], Value],
    *,
    whys: tuple[str, str] = _SPECIFIED,
) -> Field:
    return _field(name, kind, texts, f"container_details.{reads}", _of_details(get), known=Known.PARTLY, whys=whys)


def _pod(
    name: str,
    texts: tuple[str, str],
    reads: str,
    get: Callable[[Pod], Value],
    *,
    whys: tuple[str, str] = _SPECIFIED,
    known: Known = Known.PARTLY,
) -> Field:
    return _field(name, TEXT, texts, f"container_details.pod.{reads}", _of_pod(get), known=known, whys=whys)


def _mount_field(name: str, english: str, chinese: str, get: Callable[[Mount], str], by_destination: bool) -> Field:
    key: Callable[[Mount], str] = (lambda one: one.destination) if by_destination else (lambda one: one.source)
    return Field(
        name=f"container.mount{name}",
        type=TEXT,
        texts=(
            f"{english}: `[n]`, `[PATH]` ({'destination' if by_destination else 'source'}, wildcards allowed), `[*]`.",
            f"{chinese}：`[n]`、`[路径]`（{'目标' if by_destination else '来源'}，可用通配符）、`[*]`。",
        ),
        reads="container_details.mounts",
        bind=_mount(get, key),
        argument=Argument.NUMBER_OR_NAME,
        known=Known.PARTLY,
        whys=_SPECIFIED,
    )


def _unknown(name: str, kind: FieldType, texts: tuple[str, str], whys: tuple[str, str]) -> Field:
    return Field(name=name, type=kind, texts=texts, reads="", read=lambda _: None, known=Known.NO, whys=whys)


def _of_controllers() -> list[Field]:
    fields = []
    for kind, english, chinese in (
        ("rc", "replication controller", "副本控制器"),
        ("rs", "replica set", "副本集"),
        ("svc", "service", "服务"),
        ("deployment", "deployment", "部署"),
    ):
        fields += [
            _unknown(f"k8s.{kind}.name", TEXT, (f"The {english}'s name.", f"{chinese}名称。"), _CONTROL_PLANE),
            _unknown(f"k8s.{kind}.id", TEXT, (f"The {english}'s id.", f"{chinese} ID。"), _CONTROL_PLANE),
            _unknown(f"k8s.{kind}.labels", TEXT, (f"The {english}'s labels.", f"{chinese}标签。"), _CONTROL_PLANE),
            Field(name=f"k8s.{kind}.label", type=TEXT, argument=Argument.NAME, prefix=True, reads="",
                  bind=lambda _: lambda _: None, known=Known.NO, whys=_CONTROL_PLANE,
                  texts=(f"One label of the {english}.", f"{chinese}的某个标签。")),
        ]  # fmt: skip
    return fields


SURROUNDING_FIELDS: Final[tuple[Field, ...]] = (
    _field("user.uid", NUMBER, ("The user's number.", "用户号。"), "process.uid", _of_user(lambda process: process.uid)),
    _field("user.name", TEXT, ("The user's name; `root` for 0.", "用户名；0 为 `root`。"), "process.user_name, process.uid",
           _of_user(lambda process: process.user_name or ("root" if process.uid == 0 else None)),
           known=Known.PARTLY, whys=_NO_NAMES),
    _field("user.loginuid", NUMBER, ("Who signed in; -1 for nobody.", "登录用户号；无人登录为 -1。"), "process.login_uid",
           _of_user(lambda process: -1 if process.login_uid is None else process.login_uid), always=True, least=-1),
    _field("user.loginname", TEXT, ("The name of who signed in.", "登录用户名。"), "process.login_name, process.login_uid",
           _of_user(lambda process: process.login_name or ("root" if process.login_uid == 0 else None)),
           known=Known.PARTLY, whys=_NO_NAMES),
    _field("user.euid", NUMBER, ("The effective user's number; Hullguard's own field.", "有效用户号；Hullguard 扩展字段。"),
           "process.euid", _of_user(lambda process: process.euid)),
    _unknown("user.homedir", TEXT, ("The user's home directory.", "用户主目录。"), _NO_NAMES),
    _unknown("user.shell", TEXT, ("The user's shell.", "用户的 shell。"), _NO_NAMES),
    _field("group.gid", NUMBER, ("The group's number.", "组号。"), "process.gid", _of_user(lambda process: process.gid)),
    _field("group.name", TEXT, ("The group's name; `root` for 0.", "组名；0 为 `root`。"), "process.group_name, process.gid",
           _of_user(lambda process: process.group_name or ("root" if process.gid == 0 else None)),
           known=Known.PARTLY, whys=_NO_NAMES),
    _field("container.id", TEXT, ("The first 12 digits of the container's id; `host` outside of any.",
           "容器 ID 的前 12 位；不在容器中为 `host`。"), "container.id", _container_id, always=True),
    _field("container.full_id", TEXT, ("The container's whole id.", "容器完整 ID。"), "container.id",
           lambda event: event.container.id, always=True),
    _field("container.name", TEXT, ("The container's name.", "容器名称。"), "container.name", _container_name,
           known=Known.PARTLY, whys=_LATE),
    _field("container.info", TEXT, ("Id and name, for outputs.", "ID 与名称，用于输出。"), "container", _info, always=True),
    _field("container.image", TEXT, ("The image's name with its tag.", "带标签的镜像名。"), "image.name",
           lambda event: event.image.name or None if event.image else None, known=Known.PARTLY, whys=_LATE),
    _field("container.image.id", TEXT, ("The first 12 digits of the image's id.", "镜像 ID 的前 12 位。"), "image.id",
           lambda event: _short(event.image.id.removeprefix("sha256:")) or None if event.image else None,
           known=Known.PARTLY, whys=_LATE),
    _field("container.image.repository", TEXT, ("The image's name without its tag.", "不含标签的镜像名。"), "image.name",
           _reference("repository"), known=Known.PARTLY, whys=_LATE),
    _field("container.image.tag", TEXT, ("The image's tag.", "镜像标签。"), "image.name", _reference("tag"),
           known=Known.PARTLY, whys=_LATE),
    _field("container.image.digest", TEXT, ("The digest under which the registry knows the image.", "镜像在仓库中的摘要。"),
           "container_details.image_digest, image.name", _digest, known=Known.PARTLY,
           whys=("Only where the image was named by its digest.", "仅当以摘要引用镜像时可知。")),
    _detail("container.type", TEXT, ("`docker`, `containerd`, `cri-o`, `podman`.",
            "`docker`、`containerd`、`cri-o`、`podman`。"), "engine", lambda details: details.engine or None),
    _detail("container.privileged", FLAG, ("It runs privileged.", "以特权方式运行。"), "privileged",
            lambda details: details.privileged),
    _detail("container.mounts", TEXT, ("All mounts: `source:destination:mode:writable:propagation`.",
            "全部挂载：`来源:目标:模式:可写:传播`。"), "mounts",
            lambda details: None if details.mounts is None else ",".join(map(_written, details.mounts))),
    _mount_field("", "One mount", "某个挂载", _written, by_destination=False),
    _mount_field(".source", "A mount's source", "挂载来源", lambda one: one.source, by_destination=True),
    _mount_field(".dest", "A mount's destination", "挂载目标", lambda one: one.destination, by_destination=False),
    _mount_field(".mode", "A mount's mode", "挂载模式", lambda one: one.mode, by_destination=False),
    _mount_field(".rdwr", "Whether a mount is writable", "挂载是否可写", lambda one: str(one.writable).lower(),
                 by_destination=False),
    _mount_field(".propagation", "A mount's propagation", "挂载传播方式", lambda one: one.propagation, by_destination=False),
    _detail("container.labels", TEXT, ("All labels: `name:value, name:value`.", "全部标签：`名称:值, 名称:值`。"), "labels",
            lambda details: _labels(details.labels), whys=_OF_DOCKER),
    Field(name="container.label", type=TEXT, argument=Argument.NAME, prefix=True, bind=_label(_container_labels),
          reads="container_details.labels", known=Known.PARTLY, whys=_OF_DOCKER,
          texts=("One label: `container.label[NAME]`.", "某个标签：`container.label[名称]`。")),
    _field("container.start_ts", NUMBER, ("When it started, in nanoseconds since 1970.", "启动时刻（1970 年起的纳秒数）。"),
           "container_details.started", _of_details(lambda details: epoch(details.started)), known=Known.PARTLY,
           whys=_SPECIFIED),
    _field("container.duration", NUMBER, ("Nanoseconds since it started.", "启动至今的纳秒数。"), "container_details.started",
           lambda event: nanoseconds(event.container_details.started, event.at) if event.container_details else None,
           known=Known.PARTLY, whys=_SPECIFIED),
    _detail("container.ip", TEXT, ("Its address.", "容器地址。"), "address", lambda details: details.address,
            whys=_OF_CRI_O),
    _detail("container.host_pid", FLAG, ("It shares the host's process ids.", "共享主机 PID 命名空间。"), "host_pid",
            lambda details: details.host_pid),
    _detail("container.host_network", FLAG, ("It shares the host's network.", "共享主机网络。"), "host_network",
            lambda details: details.host_network),
    _detail("container.host_ipc", FLAG, ("It shares the host's IPC.", "共享主机 IPC。"), "host_ipc",
            lambda details: details.host_ipc),
    _detail("container.builds_image", FLAG, ("It is a step of an image's build by Docker's own builder; Hullguard's own field.",
            "它是 Docker 自带构建器的一个镜像构建步骤；Hullguard 扩展字段。"), "builds_image",
            lambda details: details.builds_image, whys=_DOCKERS_FILES),
    _unknown("container.cni.json", TEXT, ("What its network plug-in said.", "网络插件的返回信息。"), _NO_DETAILS),
    _unknown("container.healthcheck", TEXT, ("Its health check.", "健康检查。"), _GIVEN_UP),
    _unknown("container.liveness_probe", TEXT, ("Its liveness probe.", "存活探针。"), _GIVEN_UP),
    _unknown("container.readiness_probe", TEXT, ("Its readiness probe.", "就绪探针。"), _GIVEN_UP),
    _pod("k8s.pod.name", ("The pod's name.", "Pod 名称。"), "name", lambda pod: pod.name),
    _pod("k8s.pod.uid", ("The pod's uid.", "Pod UID。"), "uid", lambda pod: pod.uid or None),
    _pod("k8s.pod.id", ("As `k8s.pod.uid`.", "同 `k8s.pod.uid`。"), "uid", lambda pod: pod.uid or None),
    _pod("k8s.pod.sandbox_id", ("The first 12 digits of its sandbox's id.", "沙箱 ID 的前 12 位。"), "sandbox",
         lambda pod: _short(pod.sandbox) or None),
    _pod("k8s.pod.full_sandbox_id", ("Its sandbox's id.", "沙箱完整 ID。"), "sandbox", lambda pod: pod.sandbox or None),
    _pod("k8s.pod.ip", ("The pod's address.", "Pod 地址。"), "address", lambda pod: pod.address or None,
         whys=_OF_CRI_O),
    _pod("k8s.pod.labels", ("All the pod's labels.", "Pod 的全部标签。"), "labels", lambda pod: _labels(pod.labels),
         whys=_NO_DETAILS, known=Known.NO),
    Field(name="k8s.pod.label", type=TEXT, argument=Argument.NAME, prefix=True, bind=_label(_pod_labels),
          reads="container_details.pod.labels", known=Known.NO, whys=_NO_DETAILS,
          texts=("One label of the pod: `k8s.pod.label[NAME]`.", "Pod 的某个标签：`k8s.pod.label[名称]`。")),
    _unknown("k8s.pod.cni.json", TEXT, ("What its network plug-in said.", "网络插件的返回信息。"), _NO_DETAILS),
    _pod("k8s.ns.name", ("The pod's namespace.", "Pod 所在命名空间。"), "namespace", lambda pod: pod.namespace),
    _unknown("k8s.ns.id", TEXT, ("The namespace's id.", "命名空间 ID。"), _CONTROL_PLANE),
    _unknown("k8s.ns.labels", TEXT, ("The namespace's labels.", "命名空间的标签。"), _CONTROL_PLANE),
    Field(name="k8s.ns.label", type=TEXT, argument=Argument.NAME, prefix=True, reads="", bind=lambda _: lambda _: None,
          known=Known.NO, whys=_CONTROL_PLANE, texts=("One label of the namespace.", "命名空间的某个标签。")),
    *_of_controllers(),
)  # fmt: skip
