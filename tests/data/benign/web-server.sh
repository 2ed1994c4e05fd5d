# A web server with a program behind it: requests, logs, their rotation, health checks.
mkdir -p /srv/www/cgi-bin /var/log/web /run/web
echo '<p>hello</p>' > /srv/www/index.html
printf '#!/bin/sh\necho "Content-type: text/plain"\necho\necho "$REQUEST_METHOD $QUERY_STRING"\ncat /etc/hosts.conf\n' > /srv/www/cgi-bin/hello
chmod 755 /srv/www/cgi-bin/hello
httpd -p 127.0.0.1:8080 -h /srv/www -u nobody
echo $$ > /run/web/pid
for turn in 1 2 3 4 5 6 7 8; do
	for path in / /cgi-bin/hello?turn=$turn /missing /../../etc/passwd; do
		printf 'GET %s HTTP/1.0\r\n\r\n' "$path" | nc 127.0.0.1 8080 > /dev/null
		echo "GET $path" >> /var/log/web/access.log
	done
	sh -c 'nc -w 1 127.0.0.1 8080 < /dev/null || exit 1'
done
mv /var/log/web/access.log /var/log/web/access.log.1
: > /var/log/web/access.log
gzip /var/log/web/access.log.1
grep -c GET /var/log/web/access.log
rm -f /var/log/web/access.log.1.gz
