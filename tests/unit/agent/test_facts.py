"""What the agent says about its host."""

from hullguard.agent import facts
from hullguard.model.node import HostFacts

FIB = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.2.3
        /32 host LOCAL
     |-- 10.1.2.255
        /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 169.254.1.1
        /32 host LOCAL
Local:
     |-- 10.1.2.3
        /32 host LOCAL
"""
SIX = "20010db8000000000000000000000001 02 40 00 80     eth0\nfe800000000000000000000000000001 02 40 20 80     eth0\n"


def test_this_host():
    found = facts.read("docker 20.10")
    assert isinstance(found, HostFacts)
    assert found.cpus >= 1
    assert found.memory_bytes > 1 << 20
    assert len(found.boot_id) == 36
    assert found.container_runtime == "docker 20.10"


def test_a_host_elsewhere(tmp_path):
    for name, text in {
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "proc/net/fib_trie": FIB,
        "proc/net/if_inet6": SIX,
        "proc/sys/kernel/random/boot_id": "b\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = facts.read(root=tmp_path)
    assert found.os == "Debian GNU/Linux 12 (bookworm)"
    assert found.addresses == ("10.1.2.3", "2001:db8::1")
    assert found.boot_id == "b"


def test_a_host_that_tells_nothing(tmp_path):
    found = facts.read(root=tmp_path)
    assert (found.os, found.addresses, found.boot_id) == ("Linux", (), "")


def test_a_strange_host_name_becomes_one_that_can_be_shown():
    assert facts._plain("db 1\n<b>") == "db-1--b"
    assert facts._plain("...") == "unnamed"
    assert facts._plain("node-1.example.com") == "node-1.example.com"
