# What images do before their program: settings from variables, directories, owners, links, a user with fewer rights.
set -e
mkdir -p /app/cache /app/config /run/app /var/log/app
printf 'listen=%s\nkey=%s\n' "${PORT:-8080}" "${KEY:-none}" > /app/config/app.conf.new
mv /app/config/app.conf.new /app/config/app.conf
sed -i 's/listen=8080/listen=9090/' /app/config/app.conf
chmod 640 /app/config/app.conf
chown -R nobody:nogroup /app /run/app
ln -sf /dev/stdout /var/log/app/access.log
ln -s /app/config /etc/app
find /app -type f -name '*.conf' -exec cat {} + > /dev/null
echo '127.0.0.1 db' >> /etc/hosts
env | sort > /dev/null
id nobody
date > /run/app/started
tar -cf /tmp/backup.tar /app && tar -tf /tmp/backup.tar > /dev/null && rm /tmp/backup.tar
for turn in 1 2 3; do
	ps > /dev/null; df > /dev/null; cat /proc/meminfo /proc/1/stat /proc/self/status > /dev/null
	mkfifo /tmp/fifo; (echo x > /tmp/fifo &); cat /tmp/fifo; rm /tmp/fifo
done
echo aGVsbG8= | base64 -d > /app/cache/hello
