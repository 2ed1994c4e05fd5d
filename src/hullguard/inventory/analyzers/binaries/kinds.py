"""The programs and libraries that say their own version: the names of their files and what stands in them.

Each was tried on files that Debian or npm ship, where it has to find the version of the package and nothing in files of
other names; MySQL's, OpenResty's and Valkey's were not to be had there. docs/howto/scan-an-image.md names them.
"""

from typing import NamedTuple

# Digits are not given back: a file may be made of nothing but numbers that nearly fit.
_THREE = rb"(\d{1,3}+\.\d{1,3}+\.\d{1,3}+)"
_SOME = rb"(\d{1,4}+(?:\.\d{1,4}+){1,3})"
"""Two to four numbers."""


class Kind(NamedTuple):
    """One program or library, with options that few need."""

    name: str
    files: str
    """What the names of its files are up to the first digit or dot, blanks between them."""
    version: bytes
    """A pattern; several groups are numbers of one version."""
    known: bool = False
    """Whether Bitnami's advisories speak of it."""
    alone: bool = False
    """Whether the pattern is a whole constant, and the only one of that form in the file."""
    beside: bytes = b""
    """What else must stand in the file, where the pattern does not name the program."""
    before: bytes = b""
    """What stands before a fixed word, ``version`` then, and ends there; looked at only where that is found."""
    joined: bool = False
    """Whether the compiler puts constants together with nothing between them."""
    slow: bool = False
    """Whether the pattern begins with no fixed word, so that not all of a large program is looked through; nor is it
    for what stands ``alone``."""


_BUILT = rb"(?<![\d.])" + _THREE + rb"[\w.-]{1,64}"
_TIME = rb"-\d{10,19}"
_SECONDS = rb"1[5-9]\d{8}"
"""Of the years 2017 to 2033."""
_FROM_REDIS = "redis-server redis-check-rdb redis-check-aof"
_LOADERS_OF_MUSL = "libc ld-musl-x.so ld-musl-aarch.so ld-musl-armhf.so ld-musl-armv.so ld-musl-i.so"
_FROM_BINUTILS = "addr2line ar as c++filt elfedit gprof ld ld.bfd nm objcopy objdump ranlib readelf size strings strip"
_FROM_UTIL_LINUX = (
    "agetty blkid blockdev cfdisk dmesg fallocate fdisk findmnt flock fsck getopt hwclock ipcs kill libmount login "
    "logger losetup lsblk lscpu lsns mkfs mkswap more mount nologin nsenter partx prlimit rename runuser script "
    "setpriv setsid sfdisk su sulogin swapon switch_root taskset umount unshare wall whereis zramctl"
)

SERVERS = (
    Kind("nginx", "nginx", rb"nginx/" + _THREE, known=True),
    Kind("openresty", "nginx openresty", rb"openresty/(\d+\.\d+\.\d+\.\d+)", known=True),
    Kind("apache", "httpd apache", rb"Apache/" + _THREE, known=True),
    Kind(
        "haproxy",
        "haproxy",
        rb" version (\d\.\d{1,2}(?:\.\d{1,3}|(?=-dev)))[\w.+~-]{0,40}, released \d{4}/",
        known=True,
    ),
    Kind("varnish", "varnishd", rb"varnish-" + _THREE + rb"(?:-[a-z]\w{1,9})? revision ", known=True),
    Kind("lighttpd", "lighttpd", rb"lighttpd/" + _THREE),
    Kind("squid", "squid", rb"squid/" + _SOME),
    Kind("h2o", "h", rb"h2o version " + _THREE),
    Kind("hitch", "hitch", rb"hitch " + _THREE + rb"\0"),
    Kind("stunnel", "stunnel", rb"stunnel (\d\.\d{1,3}) on "),
    Kind(
        "uwsgi", "uwsgi uwsgi-core", rb"(2\.\d\.\d{1,3}(?:\.\d)?)(?:-debian)?", alone=True, beside=b"*** Starting uWSGI"
    ),
    Kind("dnsmasq", "dnsmasq", rb"dnsmasq-(2\.\d{1,3})\0"),
    Kind("bind", "named", rb"named version: BIND " + _THREE),
    Kind("unbound", "unbound unbound-checkconf unbound-control unbound-host", rb"unbound " + _THREE + rb"\0"),
    Kind("knot", "knotd knotc keymgr kdig", rb"Knot DNS " + _THREE + rb"\0"),
    Kind("openssh", "sshd sshd-session ssh", rb"OpenSSH_(\d{1,2}\.\d{1,2}p\d)"),
    Kind("dropbear", "dropbear dropbearmulti dbclient", rb"SSH-2\.0-dropbear_(20\d\d\.\d{1,3})"),
    Kind("openvpn", "openvpn", rb"OpenVPN (2\.\d{1,2}(?:\.\d{1,2}|_\w{1,8})?) [\w-]+ \["),
    Kind("strongswan", "charon charon-systemd charon-cmd", rb"\(strongSwan " + _THREE),
    Kind("wireguard-tools", "wg", rb"1\.0\.20\d{6}", alone=True, beside=b"WG_HIDE_KEYS"),
    Kind("keepalived", "keepalived", rb"Keepalived v" + _THREE),
    Kind("openvswitch", "ovs-vswitchd ovs-vsctl ovs-ofctl ovs-dpctl ovsdb-server", rb"\(Open vSwitch\) " + _THREE),
    Kind("frr", "vtysh", rb"FRR \(version " + _SOME),
    Kind("bird", "bird", rb"BIRD version " + _SOME),
    Kind("freeradius", "freeradius radiusd libfreeradius-server", rb"FreeRADIUS Version " + _THREE),
    Kind("coturn", "turnserver", rb"Coturn-" + _THREE),
    Kind("kamailio", "kamailio", rb"kamailio " + _THREE + rb" \("),
    Kind("tor", "tor", rb"tor (0(?:\.\d{1,3}){3})\0"),
    Kind("openldap", "slapd slapadd slapcat", rb"OpenLDAP: slapd " + _THREE, known=True),
    Kind("proftpd", "proftpd", rb"ProFTPD Version (1\.\d\.\d{1,2}[a-z]?)"),
    Kind("vsftpd", "vsftpd", rb"vsftpd: version " + _THREE),
    Kind("pure-ftpd", "pure-ftpd", rb"pure-ftpd v" + _THREE),
    Kind("exim", "exim", rb"(4\.\d{2,3}(?:\.\d)?)\0<<eximversion>>", slow=True),
    Kind("postfix", "postconf postalias postmap master smtpd", rb"mail_version=" + _THREE),
    Kind("dovecot", "dovecot", rb"Dovecot v" + _SOME),
    Kind("rspamd", "rspamd", rb"Rspamd daemon version " + _SOME),
    Kind("cups", "cupsd libcups", rb"CUPS/" + _THREE + rb" "),
    Kind("samba", "smbd nmbd winbindd winbindd.so smbclient", rb"SAMBA_" + _THREE),
    Kind("rsync", "rsync", rb"3\.\d{1,2}\.\d{1,2}", alone=True, beside=b"rsync://"),
    Kind("mosquitto", "mosquitto", rb"[12]\.\d\.\d{1,2}", alone=True, beside=b"mosquitto version %s"),
    Kind("icecast", "icecast", rb"Icecast " + _THREE),
    Kind("gearmand", "gearmand", rb"Server: Gearman/" + _THREE),
    Kind("zabbix", "zabbix_agentd zabbix_proxy zabbix_server", rb"Zabbix " + _THREE),
    Kind("collectd", "collectd", rb"collectd " + _THREE),
    Kind("rsyslog", "rsyslogd", rb"rsyslogd  " + _THREE.replace(b"1,3", b"1,4")),
    Kind("syslog-ng", "syslog-ng", rb"syslog-ng \d \(" + _THREE + rb"\)"),
    Kind("transmission", "transmission-daemon", rb"Transmission/(\d\.\d{1,2})"),
    Kind("wpa_supplicant", "wpa_supplicant wpa_cli", rb"(?:wpa_supplicant|wpa_cli) v(\d\.\d{1,2})\n"),
)

DATABASES = (
    Kind("redis", _FROM_REDIS, _TIME, known=True, before=_BUILT, slow=True),
    Kind("redis", _FROM_REDIS, _SECONDS + rb"0{9}\0", known=True, before=_THREE, slow=True),
    Kind("valkey", "valkey-server", _TIME, known=True, before=_BUILT, slow=True),
    Kind("memcached", "memcached", rb"memcached " + _THREE, known=True),
    Kind(
        "postgresql",
        "postgres",
        rb"postgres \(PostgreSQL\) (\d{1,3}(?:(?:\.\d{1,3}){1,2}|(?=alpha|beta|rc|devel)))",
        known=True,
    ),
    Kind("mariadb", "mariadbd mysqld", rb"-MariaDB", known=True, before=_THREE),
    Kind("mysql", "mysqld", rb"/mysql-" + _THREE),
    Kind("pgbouncer", "pgbouncer", rb"PgBouncer " + _THREE, known=True),
    Kind(
        "sqlite",
        "libsqlite sqlite",
        rb"3\.\d{1,2}\.\d{1,2}(?:\.\d)?",
        known=True,
        alone=True,
        beside=b"SQLite format 3",
    ),
    Kind("berkeley-db", "libdb", rb"Berkeley DB " + _THREE + rb": "),
    Kind("lmdb", "liblmdb", rb"LMDB " + _THREE + rb": "),
)

LANGUAGES = (
    Kind("node", "node nodejs libnode", rb"/release/v" + _THREE + rb"/node", known=True),
    Kind("node", "node nodejs libnode", rb"/download/(?:rc|nightly)/v" + _THREE + rb"-[\w.]{1,40}/node", known=True),
    Kind("deno", "deno", rb"Deno/" + _THREE + rb"\+[0-9a-f]{7}", joined=True),
    Kind("bun", "bun", rb"Bun/" + _THREE),
    Kind("php", "php php-fpm php-cgi php-cli libphp", rb"X-Powered-By: PHP/" + _THREE, known=True),
    Kind("ruby", "ruby libruby", rb"ruby " + _THREE + rb"(?:p\d+|[a-z]\w{0,9})? \(", known=True),
    Kind("perl", "perl libperl", rb"v(5\.\d{1,2}\.\d{1,2})", alone=True, beside=b"PERL_INTERNAL_RAND_SEED"),
    Kind("pypy", "libpypy", rb"\[PyPy " + _THREE),
    Kind("lua", "lua luac liblua", rb"Lua (5\.\d\.\d{1,2})  Copyright \(C\)", known=True),
    Kind("luajit", "luajit libluajit", rb"LuaJIT (2\.\d\.[\w.-]{1,24})\0"),
    Kind("gawk", "gawk", rb"GNU Awk " + _THREE),
    Kind("ghc", "libHSrts-ghc", rb"\d{1,2}\.\d{1,2}\.\d{1,2}", alone=True, beside=b"GHC RTS"),
    Kind("gcc", "gcc g++ cpp c++ cc", rb"\d{1,2}\.\d\.\d", alone=True, beside=b"COLLECT_GCC"),
    Kind("binutils", _FROM_BINUTILS, rb"\(GNU Binutils[^()\0]{0,40}\) " + _SOME),
    Kind("tcl", "libtcl", rb"[89]\.\d\.\d{1,2}", alone=True, beside=b"tcl_patchLevel"),
    Kind("bison", "bison", rb"GNU Bison " + _SOME),
)

TOOLS = (
    Kind("busybox", "busybox", rb"BusyBox v" + _THREE),
    Kind("bash", "bash", rb"@\(#\)Bash version " + _THREE + rb"\("),
    Kind("zsh", "zsh", rb"/zsh/" + _SOME),
    Kind("curl", "curl", rb"curl " + _THREE + rb" \("),
    Kind("curl", "libcurl libcurl-gnutls libcurl-nss", rb"libcurl/" + _THREE),
    # Some compilers take the text apart into operands; the version stands alone then.
    Kind("curl", "libcurl", rb"[78]\.\d{1,3}\.\d{1,2}", alone=True, beside=b"curl_easy_"),
    Kind("wget", "wget", rb"1\.[12]\d(?:\.\d{1,2})?", alone=True, beside=b"Wget/%s"),
    Kind(
        "git",
        "git git-remote-http git-shell git-http-backend",
        rb"git/" + _SOME + rb"(?:[.-][\w.-]{1,40})?\0",
        known=True,
    ),
    Kind("subversion", "libsvn_subr libsvn_client", rb"@\(#\)" + _THREE + rb" \(r\d+\)"),
    Kind("jq", "jq", rb"(?:jq-)?(1\.\d(?:\.\d)?)", alone=True, beside=b"jq: error"),
    Kind(
        "openssl",
        "openssl libcrypto libssl",
        rb"OpenSSL (\d\.\d{1,2}\.\d{1,2}[a-z]{0,2})(?:-\w{1,12})? {1,3}\d{1,2} [A-Z][a-z]{2} \d{4}",
    ),
    Kind("gnupg", "gpg", rb"OpenPGP server " + _THREE + rb" ready"),
    Kind("sudo", "sudoers.so", rb"sudoers (1\.\d\.\d{1,2}(?:p\d{1,2})?)\0"),
    Kind("tini", "tini tini-static", rb"tini version " + _THREE),
    Kind("bubblewrap", "bwrap", rb"bubblewrap " + _THREE),
    Kind("conmon", "conmon", rb"conmon version " + _THREE),
    Kind(
        "qemu",
        "qemu-system-x qemu-system-aarch qemu-system-arm qemu-system-i qemu-kvm",
        rb"QEMU emulator version " + _THREE,
    ),
    Kind(
        "iptables", "xtables-legacy-multi xtables-nft-multi", rb"(1\.\d\.\d{1,2}) \((?:legacy|nf_tables)\)\0", slow=True
    ),
    Kind("tcpdump", "tcpdump", rb"%s version (4\.\d{1,3}\.\d{1,2})"),
    Kind("util-linux", _FROM_UTIL_LINUX, rb"util-linux (2\.\d{1,3}(?:\.\d{1,2})?)\0"),
    Kind("tar", "tar", rb"1\.\d{2}(?:\.\d{1,2})?", alone=True, beside=b"GNU tar"),
    Kind("gzip", "gzip", rb"1\.\d{1,2}(?:\.\d{1,2})?", alone=True, beside=b"bug-gzip@gnu.org"),
    Kind("bzip2", "libbz bzip bunzip bzcat", rb"(1\.0\.\d), \d{1,2}-[A-Z][a-z]{2}-\d{4}\0", slow=True),
    Kind("xz", "xz xzdec lzmainfo", rb"\(XZ Utils\) " + _THREE),
    Kind("xz", "liblzma", rb"5\.\d{1,2}\.\d{1,2}", alone=True, beside=b"lzma_stream_decoder"),
    Kind("zstd", "zstd", rb"v(1\.\d\.\d{1,2})\0", beside=b"Zstandard"),
    Kind("zstd", "libzstd", rb"1\.\d\.\d{1,2}", alone=True, beside=b"ZSTD_"),
    Kind("grep", "grep egrep fgrep", rb"(3\.\d{1,2})\0GNU grep\0", slow=True),
    Kind("sed", "sed", rb"4\.[1-9]\d?", alone=True, beside=b"GNU sed"),
    Kind("findutils", "find xargs", rb"4\.\d{1,2}\.\d{1,2}", alone=True, beside=b"GNU findutils"),
    Kind("ffmpeg", "ffmpeg ffprobe ffplay", rb"(?:FFmpeg|%s) version n?" + _SOME),
    Kind("ffmpeg", "libavcodec libavformat libavutil libavfilter libswscale", rb"FFmpeg version n?" + _SOME),
    Kind("imagemagick", "libMagickCore", rb"ImageMagick (\d\.\d{1,2}\.\d{1,2}-\d{1,3}) "),
    Kind("graphicsmagick", "libGraphicsMagick-Q", rb"GraphicsMagick " + _SOME),
    Kind("tesseract", "libtesseract", rb"'tesseract " + _THREE),
    Kind("wkhtmltopdf", "wkhtmltopdf wkhtmltoimage", rb"wkhtmltopdf (0\.\d{2}\.\d)"),
    Kind("lftp", "lftp", rb"lftp/" + _THREE + rb"\0"),
    Kind("nano", "nano", rb"GNU nano " + _SOME),
    Kind("m4", "m", rb"GNU M4 " + _SOME),
    Kind("nasm", "nasm", rb"NASM (2\.\d\d(?:\.\d\d)?)\0"),
    Kind("nftables", "nft", rb"1\.\d\.\d{1,2}", alone=True, beside=b"nftables"),
    Kind("monit", "monit", rb"monit " + _THREE + rb"</a>"),
    Kind("btrfs-progs", "btrfs", rb"btrfs-progs v" + _SOME),
)

LIBRARIES = (
    Kind("musl", _LOADERS_OF_MUSL, rb"1\.[12]\.\d{1,2}", alone=True, beside=b"musl libc ("),
    Kind("glibc", "libc", rb"GNU C Library \([^()\0]{1,60}\) stable release version (2\.\d{1,3})"),
    Kind("zlib", "libz", rb" (?:deflate|inflate) (1\.\d(?:\.\d{1,2}){1,2}) Copyright 1995-"),
    Kind("libpng", "libpng", rb"libpng version " + _THREE),
    Kind("libtiff", "libtiff", rb"LIBTIFF, Version " + _THREE),
    Kind("libjpeg-turbo", "libjpeg libturbojpeg", rb"libjpeg-turbo version " + _SOME),
    Kind("libxml2", "libxml", rb"(2)(\d\d)(\d\d)", alone=True, beside=b"xmlSAXParse"),
    Kind("libxslt", "libxslt", rb"(1)(\d\d)(\d\d)", alone=True, beside=b"xsltApplyStylesheet"),
    Kind("expat", "libexpat libexpatw", rb"expat_" + _THREE + rb"\0"),
    Kind("libarchive", "libarchive bsdtar", rb"libarchive " + _THREE + rb"\0"),
    Kind("pcre2", "libpcre", rb"(10\.\d{2}) 20\d\d-\d\d-\d\d\0", slow=True),
    Kind("pcre", "libpcre", rb"(8\.\d{2}) 20\d\d-\d\d-\d\d\0", slow=True),
    Kind("libevent", "libevent libevent_core", rb"(2\.\d\.\d{1,2})-stable\0", slow=True),
    Kind("libuv", "libuv", rb"1\.\d{1,2}\.\d{1,2}", alone=True, beside=b"uv_loop_init"),
    Kind("nghttp2", "libnghttp", rb"1\.\d{1,2}\.\d{1,2}", alone=True, beside=b"nghttp2_session_"),
    Kind("c-ares", "libcares", rb"1\.\d{1,2}\.\d{1,2}", alone=True, beside=b"ares_init"),
    Kind("libgit2", "libgit", rb"libgit2 " + _THREE + rb"\0"),
    Kind("libssh2", "libssh", rb"SSH-2\.0-libssh2_" + _THREE),
    Kind("libssh", "libssh", rb"SSH-2\.0-libssh_" + _THREE),
    Kind("gnutls", "libgnutls", rb"GnuTLS (3\.\d{1,2}\.\d{1,2})"),
    Kind("mbedtls", "libmbedcrypto", rb"[mM]bed TLS " + _THREE + rb"\0"),
    Kind("wolfssl", "libwolfssl", rb"wolfSSL " + _THREE + rb"\0"),
    Kind("libgcrypt", "libgcrypt", rb"This is Libgcrypt " + _THREE),
    Kind("libsodium", "libsodium", rb"1\.0\.\d{1,2}", alone=True, beside=b"sodium_init"),
    Kind("nss", "libnss libfreeblpriv libsoftokn", rb"Version: NSS (3\.\d{1,3}(?:\.\d{1,2})?) "),
    Kind("krb5", "libkrb", rb"KRB5_BRAND: krb5-(1\.\d{1,2}(?:\.\d{1,2})?)-"),
    Kind("libpcap", "libpcap", rb"libpcap version " + _THREE),
    Kind("libmaxminddb", "libmaxminddb", rb"1\.\d{1,2}\.\d{1,2}", known=True, alone=True, beside=b"MMDB_open"),
    Kind("modsecurity", "libmodsecurity", rb"ModSecurity v(3\.\d\.\d{1,2}) ", known=True),
    Kind("gdal", "libgdal", rb"GDAL (\d\.\d{1,2}\.\d{1,2})(?:[a-z][\w-]{1,60})?(?:, released|\0)", known=True),
    Kind("hdf5", "libhdf libhdf5_serial", rb"HDF5 library version: " + _THREE),
    Kind("openblas", "libopenblas libopenblasp-r", rb"OpenBLAS (0\.\d\.\d{1,2}) "),
    Kind("fftw", "libfftw", rb"\(fftw-(3\.\d\.\d{1,2}) "),
    Kind("jemalloc", "libjemalloc", rb"(5\.\d\.\d)-\d{1,4}-g[0-9a-f]{40}", slow=True),
    Kind("qt", "libQt", rb"Qt ([4-6]\.\d{1,2}\.\d{1,2}) \("),
    Kind("libaom", "libaom", rb"AV1 Decoder v" + _THREE),
    Kind("libvpx", "libvpx", rb"VP8 Decoder v" + _THREE),
    Kind("flac", "libFLAC", rb"reference libFLAC " + _THREE),
    Kind("opus", "libopus", rb"libopus " + _SOME),
    Kind("libvorbis", "libvorbis", rb"Xiph\.Org libVorbis " + _THREE),
    Kind("libsndfile", "libsndfile", rb"libsndfile-" + _THREE),
    Kind("lame", "libmp", rb"LAME(3\.\d{1,3})"),
    Kind("libraw", "libraw libraw_r", rb"(0\.\d{1,2}\.\d{1,2})-Release\0", slow=True),
    Kind("vlc", "libvlccore", rb"VLC/" + _THREE + rb" LibVLC/"),
    Kind("wireshark", "libwireshark", rb"file for Wireshark " + _THREE),
    Kind("rpm", "librpm", rb"rpmpopt-" + _THREE),
)

KINDS = (*SERVERS, *DATABASES, *LANGUAGES, *TOOLS, *LIBRARIES)
