# A database: a process for each connection, logs ahead of writes, checkpoints, shared memory, a sort on disk.
perl -MSocket -e '
	use strict;
	use warnings;
	mkdir "/data"; mkdir "/data/wal"; chmod 0700, "/data";
	open(my $shared, "+>", "/dev/shm/Database.1") or die; print $shared "x" x 65536;
	socket(my $unix, AF_UNIX, SOCK_STREAM, 0); bind($unix, sockaddr_un("/tmp/.s.DB.5432")) or die; listen($unix, 5);
	socket(my $tcp, AF_INET, SOCK_STREAM, 0); bind($tcp, sockaddr_in(5432, INADDR_LOOPBACK)) or die; listen($tcp, 5);
	$SIG{CHLD} = "IGNORE";
	my $server = fork // die;
	if (!$server) {
		while (accept(my $client, $tcp)) {
			my $backend = fork // die;
			next if $backend;
			$0 = "database: app app 127.0.0.1 idle";
			my $asked = <$client>;
			open(my $log, ">>", "/data/wal/000001") or die; print $log $asked; close $log;
			open(my $sort, "+>", "/tmp/sort.$$") or die; print $sort "row\n" for 1 .. 1000; close $sort; unlink "/tmp/sort.$$";
			getpwnam("nobody"); gethostbyname("localhost");
			syswrite($client, "done\n"); exit 0;
		}
	}
	for my $turn (1 .. 40) {
		socket(my $asking, AF_INET, SOCK_STREAM, 0); connect($asking, sockaddr_in(5432, INADDR_LOOPBACK)) or die;
		syswrite($asking, "insert $turn\n"); <$asking>; close $asking;
	}
	socket(my $local, AF_UNIX, SOCK_STREAM, 0); connect($local, sockaddr_un("/tmp/.s.DB.5432")) or die;
	rename "/data/wal/000001", "/data/wal/archived.000001"; link "/data/wal/archived.000001", "/data/wal/000002";
	unlink "/data/wal/archived.000001"; kill "TERM", $server;
'
sh -c 'test ! -f /archive/000002 && mkdir -p /archive && cp /data/wal/000002 /archive/000002'
