"""Programs and libraries that say their version, by what stands round it in files of Debian, npm and PyPI."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.support.images import Entry, Image, file, hardlink, layer, symlink
from tests.support.inventories import Found
from tests.support.programs import elf

from hullguard.advisories.versions.bitnami import BitnamiOrder
from hullguard.inventory import bounds, random_access, read
from hullguard.inventory.analyzers.binaries.elf import Elf
from hullguard.inventory.analyzers.binaries.kinds import KINDS
from hullguard.inventory.analyzers.binaries.programs import programs
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import held

SAID = (
    ("usr/sbin/nginx", b"on: nginx/1.22.1\n\x00Op", "nginx", "1.22.1"),
    ("usr/sbin/apache2", b"to:\x00Apache/2.4.71\x00 Se", "apache", "2.4.71"),
    ("usr/sbin/haproxy", b"\x00\x00\x00\x00 version 2.6.12-1+deb12u4, released 2026/10/1", "haproxy", "2.6.12"),
    ("usr/sbin/varnishd", b"\x00\x00\x00\x00varnish-7.1.1 revision 7cee", "varnish", "7.1.1"),
    ("usr/sbin/lighttpd", b"rt\n\x00lighttpd/1.4.69\x00ser", "lighttpd", "1.4.69"),
    ("usr/sbin/squid", b"n '\x00squid/5.7\x00;\t ", "squid", "5.7"),
    ("usr/bin/h2o", b"%s\n\x00h2o version 2.2.5\x00Ope", "h2o", "2.2.5"),
    ("usr/sbin/hitch", b"k.\n\x00hitch 1.7.2\x00{cor", "hitch", "1.7.2"),
    ("usr/bin/stunnel4", b"\x00\x00\x00\x00stunnel 5.68 on x86_", "stunnel", "5.68"),
    ("usr/bin/uwsgi-core", b"\x002.0.21-debian\x00\x00*** Starting uWSGI\x00", "uwsgi", "2.0.21"),
    ("usr/sbin/dnsmasq", b"onf\x00dnsmasq-2.90\x00vers", "dnsmasq", "2.90"),
    ("usr/sbin/named", b"\x00\x00\x00\x00named version: BIND 9.18.49-1~d", "bind", "9.18.49"),
    ("usr/sbin/unbound", b"Y=1\x00unbound 1.17.1\x00star", "unbound", "1.17.1"),
    ("usr/sbin/knotc", b" %s\x00Knot DNS 3.2.6\x00ZONE", "knot", "3.2.6"),
    ("usr/bin/ssh", b"\x00\x00\x00\x00OpenSSH_9.2p1 Deb", "openssh", "9.2p1"),
    ("usr/sbin/dropbear", b"ror\x00SSH-2.0-dropbear_2022.83\r\n\x00/", "dropbear", "2022.83"),
    ("usr/sbin/openvpn", b"\x00\x00\x00\x00OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL ", "openvpn", "2.6.14"),
    ("usr/lib/ipsec/charon", b"mon (strongSwan 5.9.8, %s", "strongswan", "5.9.8"),
    ("usr/bin/wg", b"\x001.0.20210914\x00\x00WG_HIDE_KEYS\x00", "wireguard-tools", "1.0.20210914"),
    ("usr/sbin/keepalived", b"\x00\x00\x00\x00Keepalived v2.2.7 (01", "keepalived", "2.2.7"),
    ("usr/bin/ovs-dpctl", b"\x00%s (Open vSwitch) 3.1.0\n\x00Op", "openvswitch", "3.1.0"),
    ("usr/bin/vtysh", b"for FRR (version 8.4.4). \n", "frr", "8.4.4"),
    ("usr/sbin/bird", b"ion\x00BIRD version 2.0.12\n\x00--", "bird", "2.0.12"),
    ("usr/sbin/freeradius", b"\x00\x00\x00\x00FreeRADIUS Version 3.2.1, fo", "freeradius", "3.2.1"),
    ("usr/bin/turnserver", b"ver\x00Coturn-4.6.1 'Go", "coturn", "4.6.1"),
    ("usr/sbin/kamailio", b"s>\n\x00kamailio 5.6.3 (x86_", "kamailio", "5.6.3"),
    ("usr/bin/tor", b"rFD\x00tor 0.4.9.11\x00\x00\x00IN", "tor", "0.4.9.11"),
    ("usr/sbin/slapd", b"#) $OpenLDAP: slapd 2.5.13+dfs", "openldap", "2.5.13"),
    ("usr/sbin/proftpd", b"X46\x00ProFTPD Version 1.3.8\x00LAN", "proftpd", "1.3.8"),
    ("usr/sbin/vsftpd", b"[0]\x00vsftpd: version 3.0.3\n\x00un", "vsftpd", "3.0.3"),
    ("usr/sbin/pure-ftpd", b"llu\x00pure-ftpd v1.0.50 [pr", "pure-ftpd", "1.0.50"),
    ("usr/sbin/exim4", b"r>>\x004.96\x00<<eximversion>>\x00ver", "exim", "4.96"),
    ("usr/lib/postfix/sbin/smtpd", b"aps\x00mail_version=3.7.11\x00smt", "postfix", "3.7.11"),
    ("usr/sbin/dovecot", b")\x00\x00\x00Dovecot v2.3.19.1 (9b", "dovecot", "2.3.19.1"),
    ("usr/bin/rspamd", b"d.c\x00Rspamd daemon version 3.4\n\x00rs", "rspamd", "3.4"),
    ("usr/sbin/cupsd", b"mal\x00CUPS/2.4.2 IPP/", "cups", "2.4.2"),
    ("usr/sbin/nmbd", b"ttl\x00SAMBA_4.17.12_DEB", "samba", "4.17.12"),
    ("usr/bin/rsync", b"\x003.5.0\x00\x00rsync://\x00", "rsync", "3.5.0"),
    ("usr/sbin/mosquitto", b"\x002.0.11\x00\x00mosquitto version %s\x00", "mosquitto", "2.0.11"),
    ("usr/bin/icecast2", b"rth\x00Icecast 2.4.4\x00ice", "icecast", "2.4.4"),
    ("usr/sbin/gearmand", b"%s\r\nServer: Gearman/1.1.20+ds\r", "gearmand", "1.1.20"),
    ("usr/sbin/zabbix_agentd", b"%u/\x00Zabbix 6.0.14\x00Can", "zabbix", "6.0.14"),
    ("usr/sbin/collectd", b"td\n\ncollectd 5.12.0.git", "collectd", "5.12.0"),
    ("usr/sbin/rsyslogd", b"e.\n\x00rsyslogd  8.2302.0 (ak", "rsyslog", "8.2302.0"),
    ("usr/sbin/syslog-ng", b"e\x00\x00\x00syslog-ng 3 (3.38.1)\nCon", "syslog-ng", "3.38.1"),
    ("usr/bin/transmission-daemon", b"%s]\x00Transmission/3.00\x00ide", "transmission", "3.00"),
    ("sbin/wpa_cli", b"\x00\x00\x00\x00wpa_cli v2.10\nCopy", "wpa_supplicant", "2.10"),
    ("usr/bin/redis-check-aof", b"7.0.151790282056000000000\x00", "redis", "7.0.15"),
    ("usr/bin/memcached", b"ten\x00memcached 1.6.18\x00udp", "memcached", "1.6.18"),
    ("usr/lib/postgresql/15/bin/postgres", b"org\x00postgres (PostgreSQL) 15.20 (De", "postgresql", "15.20"),
    ("usr/sbin/mariadbd", b"10.11.19-MariaDB", "mariadb", "10.11.19"),
    ("usr/sbin/pgbouncer", b"tal\x00PgBouncer 1.18.0\x00poo", "pgbouncer", "1.18.0"),
    ("usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6", b"\x003.40.1\x00\x00SQLite format 3\x00", "sqlite", "3.40.1"),
    ("usr/lib/x86_64-linux-gnu/libdb-5.3.so", b"\x00\x00\x00\x00Berkeley DB 5.3.28: (Sep", "berkeley-db", "5.3.28"),
    ("usr/lib/x86_64-linux-gnu/liblmdb.so.0.0.0", b"= 0\x00LMDB 0.9.24: (Jul", "lmdb", "0.9.24"),
    ("usr/lib/x86_64-linux-gnu/libnode.so.108", b"load/release/v18.20.4/node-v18", "node", "18.20.4"),
    ("usr/local/bin/deno", b".9.6Deno/2.9.6+e518fbde518", "deno", "2.9.6"),
    ("usr/local/bin/bun", b"\x00\x00\x00\x00Bun/1.4.5\x00\x00\x00\x00", "bun", "1.4.5"),
    ("usr/bin/php8.2", b",%s\x00X-Powered-By: PHP/8.2.36\x00ZEN", "php", "8.2.36"),
    ("usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1.2", b"\x00\x00\x00\x00ruby 3.1.2p20 (2022", "ruby", "3.1.2"),
    ("usr/bin/perl", b"\x00v5.36.0\x00\x00PERL_INTERNAL_RAND_SEED\x00", "perl", "5.36.0"),
    ("usr/lib/x86_64-linux-gnu/libpypy3.9-c.so", b"23)\n[PyPy 7.3.11 wit", "pypy", "7.3.11"),
    ("usr/bin/lua5.1", b"\x00\x00\x00\x00Lua 5.1.5  Copyright (C) 199", "lua", "5.1.5"),
    ("usr/bin/luajit", b"ear\x00LuaJIT 2.1.0-beta3\x00jit.", "luajit", "2.1.0-beta3"),
    ("usr/bin/gawk", b"\x06\x00\x00\x00GNU Awk 5.2.1\x00unb", "gawk", "5.2.1"),
    ("usr/lib/ghc/rts/libHSrts-ghc9.0.2.so", b"\x009.0.2\x00\x00GHC RTS\x00", "ghc", "9.0.2"),
    ("usr/bin/x86_64-linux-gnu-cpp-12", b"\x0012.2.0\x00\x00COLLECT_GCC\x00", "gcc", "12.2.0"),
    ("usr/bin/x86_64-linux-gnu-ar", b"d\x00\x00\x00(GNU Binutils for Debian) 2.40\x00\x00Co", "binutils", "2.40"),
    ("usr/lib/x86_64-linux-gnu/libtcl8.6.so", b"\x008.6.13\x00\x00tcl_patchLevel\x00", "tcl", "8.6.13"),
    ("usr/bin/bison", b"Acc\x00GNU Bison 3.8.2\x00dig", "bison", "3.8.2"),
    ("bin/busybox", b"ory\x00BusyBox v1.35.0 (De", "busybox", "1.35.0"),
    ("bin/bash", b".\x00\x00\x00@(#)Bash version 5.2.15(1) r", "bash", "5.2.15"),
    ("bin/zsh", b"-gnu/zsh/5.9\x00\x00\x00\x00", "zsh", "5.9"),
    ("usr/bin/curl", b"\n\x00\x00\x00curl 7.88.1 (x86_", "curl", "7.88.1"),
    ("usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0", b"\x00\x00/\x00libcurl/7.88.1\x00zli", "curl", "7.88.1"),
    ("usr/bin/wget", b"\x001.21.3\x00\x00Wget/%s\x00", "wget", "1.21.3"),
    ("usr/lib/git-core/git", b"\xff\xfe\xfe\xffgit/2.39.5\x00GIT_", "git", "2.39.5"),
    (
        "usr/lib/x86_64-linux-gnu/libsvn_subr-1.so.1.0.0",
        b"gnu\x00@(#)1.14.2 (r1899510)\x00\x00\x00V",
        "subversion",
        "1.14.2",
    ),
    ("usr/bin/jq", b"\x001.6\x00\x00jq: error\x00", "jq", "1.6"),
    ("usr/bin/openssl", b"N/A\x00OpenSSL 3.0.22 25 Aug 2026\x00%s ", "openssl", "3.0.22"),
    ("usr/bin/gpg", b"d's OpenPGP server 2.2.40 ready\x00\x00\x00\x00", "gnupg", "2.2.40"),
    ("usr/libexec/sudo/sudoers.so", b"llo\x00sudoers 1.9.13p3\x00plug", "sudo", "1.9.13p3"),
    ("usr/bin/tini", b")] \x00tini version 0.19.0\x00%s ", "tini", "0.19.0"),
    ("usr/bin/bwrap", b"%ld\x00bubblewrap 0.8.0\x00../", "bubblewrap", "0.8.0"),
    ("usr/bin/conmon", b"\x00\x00\x00\x00conmon version 2.1.6\ncom", "conmon", "2.1.6"),
    ("usr/libexec/qemu-system-i386", b"\x00\x00\x00\x00QEMU emulator version 7.2.22 (De", "qemu", "7.2.22"),
    ("usr/sbin/xtables-nft-multi", b"ist\x001.8.9 (nf_tables)\x00appe", "iptables", "1.8.9"),
    ("usr/bin/tcpdump", b"%u\r\x00%s version 4.99.3\n\x00SM", "tcpdump", "4.99.3"),
    ("bin/su", b"%s\n\x00util-linux 2.38.1\x00c:fg", "util-linux", "2.38.1"),
    ("bin/tar", b"\x001.34\x00\x00GNU tar\x00", "tar", "1.34"),
    ("bin/gzip", b"\x001.12\x00\x00bug-gzip@gnu.org\x00", "gzip", "1.12"),
    ("lib/x86_64-linux-gnu/libbz2.so.1.0.4", b"w\x00r\x001.0.8, 13-Jul-2019\x00OK\x00S", "bzip2", "1.0.8"),
    ("usr/bin/xz", b"\x00xz (XZ Utils) 5.4.1\x00lib", "xz", "5.4.1"),
    ("lib/x86_64-linux-gnu/liblzma.so.5.4.1", b"\x005.4.1\x00\x00lzma_stream_decoder\x00", "xz", "5.4.1"),
    ("usr/bin/zstd", b"led\x00v1.5.4\x00Zsta\x00Zstandard\x00", "zstd", "1.5.4"),
    ("usr/lib/x86_64-linux-gnu/libzstd.so.1.5.4", b"\x001.5.4\x00\x00ZSTD_\x00", "zstd", "1.5.4"),
    ("bin/grep", b"tty\x003.8\x00GNU grep\x00/dev", "grep", "3.8"),
    ("bin/sed", b"\x004.9\x00\x00GNU sed\x00", "sed", "4.9"),
    ("usr/bin/find", b"\x004.9.0\x00\x00GNU findutils\x00", "findutils", "4.9.0"),
    ("usr/bin/ffmpeg", b"d.\n\x00%s version 5.1.9-0+d", "ffmpeg", "5.1.9"),
    ("usr/lib/x86_64-linux-gnu/libavutil.so.57.28.100", b"\x00\x00\x00\x00FFmpeg version 5.1.9-0+d", "ffmpeg", "5.1.9"),
    (
        "usr/lib/x86_64-linux-gnu/libMagickCore-6.Q16.so.6.0.0",
        b"\x00\x00\x00\x00ImageMagick 6.9.11-60 Q16 ",
        "imagemagick",
        "6.9.11-60",
    ),
    (
        "usr/lib/libGraphicsMagick-Q16.so.3.24.2",
        b"\x00\x00\x00\x00GraphicsMagick 1.3.40 202",
        "graphicsmagick",
        "1.3.40",
    ),
    ("usr/lib/x86_64-linux-gnu/libtesseract.so.5.0.3", b"ent='tesseract 5.3.0' />", "tesseract", "5.3.0"),
    ("usr/bin/wkhtmltopdf", b"\x00\x01\x01\x01wkhtmltopdf 0.12.6\x00?\x00d", "wkhtmltopdf", "0.12.6"),
    ("usr/bin/lftp", b"pex\x00lftp/4.9.2\x00reqq", "lftp", "4.9.2"),
    ("bin/nano", b" %s\x00GNU nano 7.2\x00+.x", "nano", "7.2"),
    ("usr/bin/m4", b"\x00we\x00GNU M4 1.4.19\x00V1\n", "m4", "1.4.19"),
    ("usr/bin/nasm", b"\x00\x00\x00\x00NASM 2.16.01\x00NASM", "nasm", "2.16.01"),
    ("usr/sbin/nft", b"\x001.0.6\x00\x00nftables\x00", "nftables", "1.0.6"),
    ("usr/bin/monit", b"t/'>monit 5.33.0</a></ce", "monit", "5.33.0"),
    ("bin/btrfs", b"\x01\x00\x02\x00btrfs-progs v6.2\x00Opt", "btrfs-progs", "6.2"),
    ("lib/x86_64-linux-musl/libc.so", b"\x001.2.3\x00\x00musl libc (\x00", "musl", "1.2.3"),
    (
        "lib/x86_64-linux-gnu/libc.so.6",
        b"\x00\x00\x00\x00GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCo",
        "glibc",
        "2.36",
    ),
    ("lib/x86_64-linux-gnu/libz.so.1.2.13", b"\x8d\xef\x02- deflate 1.2.13 Copyright 1995-2022", "zlib", "1.2.13"),
    ("usr/lib/x86_64-linux-gnu/libpng16.so.16.39.0", b"\x00\x00\x00\nlibpng version 1.6.39\nCop", "libpng", "1.6.39"),
    ("usr/lib/x86_64-linux-gnu/libtiff.so.6.0.0", b"\x00\x00\x00\x00LIBTIFF, Version 4.5.0\nCop", "libtiff", "4.5.0"),
    (
        "usr/lib/x86_64-linux-gnu/libjpeg.so.62.3.0",
        b"\xff\xff\x00\x00libjpeg-turbo version 2.1.5 (bu",
        "libjpeg-turbo",
        "2.1.5",
    ),
    ("usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14", b"\x0020914\x00\x00xmlSAXParse\x00", "libxml2", "2.9.14"),
    ("usr/lib/x86_64-linux-gnu/libxslt.so.1.1.35", b"\x0010135\x00\x00xsltApplyStylesheet\x00", "libxslt", "1.1.35"),
    ("lib/x86_64-linux-gnu/libexpat.so.1.8.10", b"ted\x00expat_2.5.0\x00\\0\x00\\", "expat", "2.5.0"),
    ("usr/lib/x86_64-linux-gnu/libarchive.so.13.6.2", b"def\x00libarchive 3.6.2\x00/tmp", "libarchive", "3.6.2"),
    (
        "usr/lib/x86_64-linux-gnu/libpcre2-8.so.0.11.2",
        b"\x00\x03y\x0010.42 2022-12-11\x00\x00\x00\x00\xb8",
        "pcre2",
        "10.42",
    ),
    ("lib/x86_64-linux-gnu/libpcre.so.3.13.3", b"\x9c\x7f\xfe\xff8.39 2016-06-14\x00\xbc\x83\xfe\xff", "pcre", "8.39"),
    ("usr/lib/x86_64-linux-gnu/libevent-2.1.so.7.0.1", b"ing\x002.1.12-stable\x00EV_T", "libevent", "2.1.12"),
    ("usr/lib/x86_64-linux-gnu/libuv.so.1.0.0", b"\x001.44.2\x00\x00uv_loop_init\x00", "libuv", "1.44.2"),
    ("usr/lib/x86_64-linux-gnu/libnghttp2.so.14.24.1", b"\x001.52.0\x00\x00nghttp2_session_\x00", "nghttp2", "1.52.0"),
    ("usr/lib/x86_64-linux-gnu/libcares.so.2.5.1", b"\x001.18.1\x00\x00ares_init\x00", "c-ares", "1.18.1"),
    ("usr/lib/x86_64-linux-gnu/libgit2.so.1.5.1", b"ECT\x00libgit2 1.5.1\x00Send", "libgit2", "1.5.1"),
    ("usr/lib/x86_64-linux-gnu/libssh2.so.1.0.1", b"gth\x00SSH-2.0-libssh2_1.10.0\x00Tim", "libssh2", "1.10.0"),
    ("usr/lib/x86_64-linux-gnu/libssh.so.4.9.6", b" %s\x00SSH-2.0-libssh_0.10.6\x00SSH", "libssh", "0.10.6"),
    ("usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3", b"led GnuTLS 3.7.9 log", "gnutls", "3.7.9"),
    ("usr/lib/x86_64-linux-gnu/libmbedcrypto.so.2.28.3", b"d)\x00\x00mbed TLS 2.28.3\x00MBED", "mbedtls", "2.28.3"),
    ("usr/lib/x86_64-linux-gnu/libwolfssl.so.35.3.0", b"k.c\x00wolfSSL 5.5.4\x00FFDH", "wolfssl", "5.5.4"),
    (
        "usr/lib/x86_64-linux-gnu/libgcrypt.so.20.4.1",
        b"\x00\x00\n\nThis is Libgcrypt 1.10.1 - T",
        "libgcrypt",
        "1.10.1",
    ),
    ("usr/lib/x86_64-linux-gnu/libsodium.so.23.3.0", b"\x001.0.18\x00\x00sodium_init\x00", "libsodium", "1.0.18"),
    ("usr/lib/x86_64-linux-gnu/libsoftokn3.so", b"\x00\x00\x00\x00Version: NSS 3.87.1 Basi", "nss", "3.87.1"),
    ("usr/lib/x86_64-linux-gnu/libkrb5.so.3.3", b"\x00\x00\x00\x00KRB5_BRAND: krb5-1.20.1-fina", "krb5", "1.20.1"),
    ("usr/lib/x86_64-linux-gnu/libpcap.so.1.10.3", b"\x00\x00\x00\x00libpcap version 1.10.3 (wi", "libpcap", "1.10.3"),
    ("usr/lib/x86_64-linux-gnu/libmaxminddb.so.0.0.7", b"\x001.7.1\x00\x00MMDB_open\x00", "libmaxminddb", "1.7.1"),
    ("usr/lib/x86_64-linux-gnu/libmodsecurity.so.3.0.9", b"nux\x00ModSecurity v3.0.9 (\x00v(", "modsecurity", "3.0.9"),
    ("usr/lib/x86_64-linux-gnu/libgdal.so.32.3.6.2", b"\x99yV\xc0GDAL 3.6.2\x00OPE", "gdal", "3.6.2"),
    (
        "usr/lib/x86_64-linux-gnu/libhdf5_serial.so.103.3.1",
        b"..\n\x00HDF5 library version: 1.10.8\x00\x00\x00\x00",
        "hdf5",
        "1.10.8",
    ),
    (
        "usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so",
        b"\x00\x00\x00\x00OpenBLAS 0.3.21 NO_L",
        "openblas",
        "0.3.21",
    ),
    ("usr/lib/x86_64-linux-gnu/libfftw3.so.3.6.10", b"\n\x00\x00\x00(fftw-3.3.10 fftw", "fftw", "3.3.10"),
    (
        "usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
        b"\x00\x00\x00\x005.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c\x00ctl",
        "jemalloc",
        "5.3.0",
    ),
    ("usr/lib/x86_64-linux-gnu/libQt6Core.so.6.4.2", b"\x00\x00\x00\x00Qt 6.4.2 (x86_", "qt", "6.4.2"),
    ("usr/lib/x86_64-linux-gnu/libaom.so.3.6.0", b"ect AV1 Decoder v3.6.0\x00aom", "libaom", "3.6.0"),
    ("usr/lib/x86_64-linux-gnu/libvpx.so.7.1.0", b"ect VP8 Decoder v1.12.0\x00\x00\x00\x00", "libvpx", "1.12.0"),
    ("usr/lib/x86_64-linux-gnu/libFLAC.so.12.0.0", b"BER\x00reference libFLAC 1.4.2 202", "flac", "1.4.2"),
    ("usr/lib/x86_64-linux-gnu/libopus.so.0.8.0", b"ror\x00libopus 1.3.1\x00suc", "opus", "1.3.1"),
    ("usr/lib/x86_64-linux-gnu/libvorbis.so.0.4.9", b"bis\x00Xiph.Org libVorbis 1.3.7\x00Xip", "libvorbis", "1.3.7"),
    ("usr/lib/x86_64-linux-gnu/libsndfile.so.1.0.35", b"or.\x00libsndfile-1.2.0\x00***", "libsndfile", "1.2.0"),
    ("usr/lib/x86_64-linux-gnu/libmp3lame.so.0.0.0", b"100\x00LAME3.100 \x001.", "lame", "3.100"),
    ("usr/lib/x86_64-linux-gnu/libraw.so.20.0.0", b"ror\x000.20.2-Release\x00Star", "libraw", "0.20.2"),
    ("usr/lib/x86_64-linux-gnu/libvlccore.so.9.0.1", b"ent\x00VLC/3.0.24 LibVLC/3.0.", "vlc", "3.0.24"),
    ("usr/lib/x86_64-linux-gnu/libwireshark.so.16.0.17", b"ion file for Wireshark 4.0.17.\n#\n", "wireshark", "4.0.17"),
    ("usr/lib/x86_64-linux-gnu/librpm.so.9.3.0", b"ale\x00rpmpopt-4.18.0\x00RPM", "rpm", "4.18.0"),
)
ELSEWHERE = {"mysql", "openresty", "valkey"}
"""Kinds that test_binaries tries."""


def versions(*entries: Entry) -> dict[str, str]:
    return {package.name: package.version for package in Found(entries).packages}


@pytest.mark.parametrize(("path", "said", "name", "version"), SAID)
def test_a_program_says_its_version_under_its_own_name_only(path: str, said: bytes, name: str, version: str) -> None:
    constants, bare = elf({".text": bytes(64), ".rodata": b"\0" + said + b"\0"}), elf(extra=b"\0" + said + b"\0")

    assert versions(file(path, constants)) == versions(file(path, bare)) == {name: version}
    assert versions(file("opt/another", constants), file("opt/libanother.so.1", bare)) == {}


@pytest.mark.parametrize("page", ["scan-an-image.md", "scan-an-image.zh.md"])
def test_every_kind_is_on_the_page(page: str) -> None:
    told = set(re.findall(r"[\w-]+", (Path(__file__).parents[5] / "docs/howto" / page).read_text()))

    assert {kind.name for kind in KINDS} <= told


def test_what_an_os_package_brought_is_told_as_that_package() -> None:
    assert [path for path, *_ in SAID if not ownable(path)] == []


def test_every_kind_is_tried() -> None:
    assert {name for _, _, name, _ in SAID} == {kind.name for kind in KINDS} - ELSEWHERE
    assert len({kind.name for kind in KINDS}) > 150


@pytest.mark.parametrize(
    ("path", "found"),
    [("lib/libssh2.so.1", {"libssh2": "1.10.0"}), ("lib/libssh.so.4", {"libssh2": "1.10.0"}), ("lib/libc.so.6", {})],
)
def test_of_kinds_with_names_alike_the_content_decides(path: str, found: dict[str, str]) -> None:
    assert versions(file(path, elf(extra=b"SSH-2.0-libssh2_1.10.0\r\n"))) == found


@pytest.mark.parametrize(
    ("constants", "found"),
    [
        (b"\x001.34\0GNU tar\0", {"tar": "1.34"}),
        (b"\x001.34\0GNU tar\x001.34\0", {"tar": "1.34"}),
        (b"\x001.34\0GNU tar\x001.35\0", {}),
        (b"\x001.34\0", {}),
        (b"\x001.34 GNU tar\0", {}),
        (b"as per tar <= 1.12\0GNU tar\0", {}),
        (b"as per tar <= 1.12\x001.34\0GNU tar\0", {"tar": "1.34"}),
        (b"\xff\xffA1.34\0GNU tar\0", {}),
    ],
)
def test_a_constant_that_is_nothing_but_a_version_counts_when_it_is_the_only_one(
    constants: bytes, found: dict[str, str]
) -> None:
    assert versions(file("bin/tar", elf({".text": b"\x001.36\0", ".rodata": constants}))) == found


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/libpng16.so.16.39.0",
        "usr/lib/libpng.so",
        "app/pillow.libs/libpng16-9c1a2b3d.so.16.39.0",
        "app/pillow.libs/libpng-0000abcd.so",
    ],
)
def test_names_of_libraries_carry_versions_and_what_auditwheel_adds(path: str) -> None:
    assert versions(file(path, elf(extra=b"libpng version 1.6.39\n"))) == {"libpng": "1.6.39"}


def test_a_module_of_a_language_is_not_the_library_that_it_was_built_with() -> None:
    said = b"OpenSSL 3.0.7 1 Nov 2022"

    assert versions(file("usr/lib/ruby/3.1.0/openssl.so", elf(extra=said))) == {}
    assert versions(file("usr/lib/libcrypto.so.3", elf(extra=said))) == {"openssl": "3.0.7"}


@pytest.mark.parametrize("path", ["usr/bin/gcc", "usr/bin/x86_64-linux-gnu-gcc-12", "bin/arm-linux-gnueabihf-gcc-12"])
def test_compilers_are_called_by_what_they_compile_for(path: str) -> None:
    assert versions(file(path, elf(extra=b"\x0012.2.0\0COLLECT_GCC=\0"))) == {"gcc": "12.2.0"}


@pytest.mark.parametrize(
    ("path", "said", "found"),
    [
        ("usr/sbin/nginx", b"\0freenginx/1.29.0\0", {}),
        ("usr/sbin/nginx", b"\0freenginx/1.29.0\0nginx/1.25.1\0", {"nginx": "1.25.1"}),
        ("usr/sbin/nginx", b"\0\xffAnginx/1.25.1\0", {"nginx": "1.25.1"}),
        ("usr/bin/deno", b"hyper-utilDeno/2.9.6+e518fbd", {"deno": "2.9.6"}),
        ("usr/lib/libgdal.so.36", b"\0(perhaps created with GDAL 3.6.0) of\0GDAL 3.10.3\0", {"gdal": "3.10.3"}),
        ("usr/lib/libgdal.so.30", b"\0GDAL 3.4.3, released 2022/04/22\0", {"gdal": "3.4.3"}),
    ],
)
def test_a_part_of_a_longer_word_or_sentence_is_no_version(path: str, said: bytes, found: dict[str, str]) -> None:
    assert versions(file(path, elf(extra=said))) == found


def test_a_fork_at_the_edge_of_what_is_read_at_once_is_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_access, "IN_MEMORY", 1 << 10)
    monkeypatch.setattr(random_access, "_WINDOW", 1 << 12)
    for filling in range((1 << 12) - 600, (1 << 12) + 8):
        content = elf() + b"\0" * (filling - len(elf())) + b"freenginx/1.29.0" + bytes(1 << 12)
        with held(content[start : start + 512] for start in range(0, len(content), 512)) as whole:
            assert list(programs("nginx", Elf(whole))) == []


@pytest.mark.parametrize(("base", "nearly"), [("git", b"git/1111.1111.1111.1111x"), ("sed", b"a4.8\0")])
def test_more_places_than_a_program_has_by_chance_are_not_tried(base: str, nearly: bytes) -> None:
    said = elf(extra=nearly * (bounds.PROGRAM_PLACES + 1))

    found = list(programs(base, Elf(said)))
    assert [one.incomplete for one in found if isinstance(one, Doubt)] == [True]


def test_versions_are_looked_for_in_so_many_bytes_of_all_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    said = elf({".rodata": b"\x001.34\0GNU tar\0".ljust(1 << 10)})
    monkeypatch.setattr(bounds, "PROGRAMS_BYTES", 1 << 11)
    budget = Budget(Limits())

    found = [next(programs("tar", Elf(said), budget)) for _ in range(3)]
    assert [isinstance(one, Piece) for one in found] == [True, True, False]


def test_a_program_is_known_by_any_of_its_hard_links(tmp_path: Path) -> None:
    entries = (
        file("bin/[", elf(extra=b"BusyBox v1.30.1 (2019)\0")),
        *(hardlink(f"bin/{name}", "bin/[") for name in ("ar", "busybox", "sh", "tar")),
        file("opt/a/srv", elf(extra=b"\x003.9.1\0nginx/1.14.0\0")),
        hardlink("opt/b/nginx", "opt/a/srv"),
        hardlink("opt/c/python3.9", "opt/a/srv"),
        file("opt/a/other", elf(extra=b"\0openresty/1.19.3.1\0squid/5.7\0")),
        hardlink("opt/b/other", "opt/a/other"),
    )

    found = read(str(Image([layer(*entries)]).docker_archive(tmp_path / "image.tar")))
    assert {one.name: one.version for one in found.packages} == {
        "busybox": "1.30.1",
        "nginx": "1.14.0",
        "python": "3.9.1",
    }


def test_a_file_in_which_something_is_found_by_its_first_name_is_read_by_the_others_too(tmp_path: Path) -> None:
    packed = elf(extra=b"UPX!\0nginx/1.14.0\0")
    entries = (file("opt/a/srv", packed), hardlink("opt/b/nginx", "opt/a/srv"))

    found = read(str(Image([layer(*entries)]).docker_archive(tmp_path / "image.tar")))
    assert [(one.name, one.version) for one in found.packages] == [("nginx", "1.14.0")]


@pytest.mark.parametrize(
    ("link", "found"),
    [
        (symlink("usr/sbin/nginx", "/opt/x/bin1"), {"nginx": "1.14.0"}),
        (symlink("usr/lib/libsqlite3.so.0", "../../opt/x/bin1"), {"sqlite": "3.40.1"}),
        (symlink("usr/share/doc/nginx", "/opt/x/bin1"), {}),
        (symlink("usr/bin/bash", "/opt/x/bin1"), {}),
        (symlink("usr/sbin/nginx", "/opt/x"), {}),
        (symlink("usr/sbin/nginx", "/opt/nothing"), {}),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_program_is_known_by_a_command_that_leads_to_it(
    link: Entry, found: dict[str, str], together: bool, tmp_path: Path
) -> None:
    """Of those that advisories speak of: for a link the image is read once more."""
    said = b"\0nginx/1.14.0\x003.40.1\0SQLite format 3\0@(#)Bash version 5.1.4(1)\0"
    program = file("opt/x/bin1", elf(extra=said))
    layers = [layer(program, link)] if together else [layer(program), layer(link)]

    inventory = read(str(Image(layers).docker_archive(tmp_path / "image.tar")))
    assert {one.name: one.version for one in inventory.packages} == found
    assert inventory.complete
    for one in inventory.packages:
        assert one.locations == ("opt/x/bin1",)


@pytest.mark.parametrize("name", ["", "-", ".", "..so", "x86_64-linux-gnu-", "-00000000.so", "1.2.3", "\n", "é.so.1"])
def test_any_name_of_a_file_is_read(name: str) -> None:
    assert list(programs(name, Elf(elf(extra=b"nginx/1.25.1")))) == []


def test_a_version_at_the_edge_of_what_is_read_at_once_is_found_once_and_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random_access, "IN_MEMORY", 1 << 10)
    monkeypatch.setattr(random_access, "_WINDOW", 1 << 12)
    for filling in range((1 << 12) - 40, (1 << 12) + 8):
        rodata = b"\0" * filling + b"\x001.34\0GNU tar\0"
        content = elf({".rodata": rodata, ".data": bytes(64)})
        with held(content[start : start + 512] for start in range(0, len(content), 512)) as whole:
            assert [one.version for one in programs("tar", Elf(whole)) if isinstance(one, Piece)] == ["1.34"]


@pytest.mark.parametrize("said", [b"\x001.34\0", b"\x001.0.8, 13-Jul-2019\0"])
def test_what_begins_with_no_fixed_word_is_looked_for_in_a_part_only(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(bounds, "PROGRAM_BYTES", 1 << 12)
    name = "tar" if b"34" in said else "libbz2.so.1"

    near, far = (elf({".rodata": b"GNU tar" + bytes(size) + said}) for size in (1 << 10, 1 << 12))
    found = list(programs(name, Elf(near)))
    assert [one.version for one in found if isinstance(one, Piece)] == [re.split(rb"[,\0]", said)[1].decode()]
    assert [one.incomplete for one in programs(name, Elf(far)) if isinstance(one, Doubt)] == [True]


def _installed() -> dict[Path, str]:
    """Programs and libraries of this machine that dpkg has installed, with the version of their package."""
    shown = ["dpkg-query", "-W", "-f", "${binary:Package} ${Version}\n"]
    told = subprocess.run(shown, capture_output=True, text=True, check=True, timeout=60).stdout
    stems = {stem for kind in KINDS for stem in kind.files.split()}
    found: dict[Path, str] = {}
    for package, version in (line.split(" ") for line in told.splitlines()):
        listed = next((path for name in (package, package.partition(":")[0]) if (path := _list(name)).exists()), None)
        for line in listed.read_text().splitlines() if listed else ():
            base = line.rpartition("/")[2]
            if line.startswith(("/bin/", "/sbin/", "/lib/", "/usr/")) and re.split(r"[\d.]", base)[0] in stems:
                found[Path(line)] = version
    return {path: version for path, version in found.items() if path.is_file() and not path.is_symlink()}


def _list(package: str) -> Path:
    return Path(f"/var/lib/dpkg/info/{package}.list")


def test_programs_of_this_machine_say_the_version_of_their_package() -> None:
    """Two numbers of it: stable distributions raise the others without a new version of the package."""
    if not Path("/var/lib/dpkg/info").is_dir():
        pytest.skip("this machine's programs are not dpkg's")
    wrong = []
    for path, version in _installed().items():
        content = path.read_bytes()
        if not content.startswith(b"\x7fELF"):
            continue
        for said in programs(path.name, Elf(content)):
            assert not isinstance(said, Doubt)
            upstream = version.rpartition("really")[2].rpartition(":")[2]
            numbers = [list(map(int, re.findall(r"\d+", text)[:2])) for text in (said.version, upstream)]
            if numbers[0] != numbers[1]:
                wrong.append((path, said, version))
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("libcrypto-rasterio-2f350cb7.so.1.1", b"\0OpenSSL 1.1.1w  11 Sep 2023\0", "openssl@1.1.1w"),
        ("ffmpeg-linux-x86_64-v9.0.2", b"\0FFmpeg version n9.0.2\0", "ffmpeg@9.0.2"),
        ("ffmpeg-linux64-v4.2.2", b"\0FFmpeg version 4.2.2-static\0", "ffmpeg@4.2.2"),
        ("libcurl-44ec228a.so.4.7.0", b"\x00libcurl/H\x007.80.0\x00curl_easy_init\x00", "curl@7.80.0"),
        ("libcurl.so.4.8.0", b"\x00libcurl/7.88.1\x007.80.0\x00curl_easy_init\x00", "curl@7.88.1"),
        ("libsndfile_x86_64.so", b"\0libsndfile-1.2.2\0", "libsndfile@1.2.2"),
    ],
)
def test_what_is_added_to_a_name_hides_no_program(name: str, text: bytes, said: str) -> None:
    found = [piece for piece in programs(name, Elf(elf(extra=text))) if isinstance(piece, Piece)]

    assert [f"{piece.name}@{piece.version}" for piece in found] == [said]


@pytest.mark.parametrize(
    ("name", "text", "said", "release"),
    [
        ("php", b"X-Powered-By: PHP/8.1.0RC1", "php@8.1.0-rc1", "8.1.0"),
        ("php-fpm8.3", b"X-Powered-By: PHP/8.3.1-dev", "php@8.3.1-dev", "8.3.1"),
        ("ruby", b"ruby 3.3.0preview1 (2023-05-12 master", "ruby@3.3.0-preview1", "3.3.0"),
        ("libgdal.so", b"GDAL 3.4.1dev-7abc, released 2021/12/27", "gdal@3.4.1-dev", "3.4.1"),
        ("openssl", b"OpenSSL 3.2.0-beta1 26 Oct 2023", "openssl@3.2.0-beta1", "3.2.0"),
        ("git", b"git/2.40.0.rc1", "git@2.40.0-rc1", "2.40.0"),
        ("postgres", b"postgres (PostgreSQL) 17beta1", "postgresql@17-beta1", "17.0"),
        ("haproxy", b" version 2.9-dev3-1a2b, released 2023/", "haproxy@2.9-dev3", "2.9.0"),
        ("varnishd", b"varnish-6.0.0-beta1 revision a", "varnish@6.0.0-beta1", "6.0.0"),
        ("node", b"/download/rc/v18.0.0-rc.1/node-v18", "node@18.0.0-rc1", "18.0.0"),
        ("node", b"/download/nightly/v21.0.0-nightly20230801d396a0/node-v21", "node@21.0.0-nightly20230801", "21.0.0"),
        ("python3.12", b"3.12.0rc1", "python@3.12.0rc1", "3.12.0"),
    ],
)
def test_what_comes_before_a_release_is_not_told_as_the_release(
    name: str, text: bytes, said: str, release: str
) -> None:
    found = [piece for piece in programs(name, Elf(elf(extra=b"\0" + text + b"\0"))) if isinstance(piece, Piece)]

    assert [f"{piece.name}@{piece.version}" for piece in found] == [said]
    order = BitnamiOrder()
    assert order.key(found[0].version) < order.key(release)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("git", b"git/2.39.2.windows.1", "2.39.2"),
        ("git", b"git/2.14.1.dirty", "2.14.1"),
        ("openssl", b"OpenSSL 3.0.7-fips 1 Nov 2022", "3.0.7"),
        ("php", b"X-Powered-By: PHP/8.2.7device", "8.2.7"),
        ("ruby", b"ruby 2.7.0p0 (2019-12-25 revision", "2.7.0"),
        ("nginx", b"nginx/1.25.3 (rc1)", "1.25.3"),
    ],
)
def test_what_else_stands_behind_a_version_makes_it_no_earlier_one(name: str, text: bytes, said: str) -> None:
    found = programs(name, Elf(elf(extra=b"\0" + text + b"\0")))

    assert [piece.version for piece in found if isinstance(piece, Piece)] == [said]


def test_a_version_with_a_word_before_it_is_found_whole_at_the_edge_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_access, "IN_MEMORY", 1 << 10)
    monkeypatch.setattr(random_access, "_WINDOW", 1 << 12)
    for filling in range((1 << 12) - 40, (1 << 12) + 8):
        content = elf()
        content += b"\0" * (filling - len(content)) + b"nginx/1.25.14-rc12" + bytes(1 << 12)
        with held(content[start : start + 512] for start in range(0, len(content), 512)) as whole:
            assert [one.version for one in programs("nginx", Elf(whole)) if isinstance(one, Piece)] == ["1.25.14-rc12"]


def test_a_version_outside_the_usual_constants_is_found() -> None:
    """mold puts strings into a section of their own."""
    content = elf({".rodata": b"\0" * 16, ".rodata.str": b"\x001.0.18\0sodium_init\0"})

    assert [piece.version for piece in programs("libsodium.so.23", Elf(content)) if isinstance(piece, Piece)] == [
        "1.0.18"
    ]


def test_a_small_section_of_constants_hides_no_others() -> None:
    """Nobody loads a program by its sections, so they may say what they like."""
    content = elf({".rodata": b"\0" * 16, ".data": b"\x001.0.18\0sodium_init\0"})

    assert [one.version for one in programs("libsodium.so.23", Elf(content)) if isinstance(one, Piece)] == ["1.0.18"]


def test_several_versions_among_the_constants_are_not_decided_by_what_stands_elsewhere() -> None:
    content = elf({".rodata": b"\x001.0.18\x001.0.17\0", ".data": b"\x001.0.16\0sodium_init\0"})

    assert list(programs("libsodium.so.23", Elf(content))) == []
