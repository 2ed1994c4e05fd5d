# A package is built and installed: programs, a setuid one, a cron table, a unit, an init script, PAM, sudo, a profile.
set -e
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/log /b/DEBIAN /b/usr/bin /b/usr/lib /b/etc/cron.d /b/etc/init.d \
	/b/etc/pam.d /b/etc/sudoers.d /b/etc/profile.d /b/usr/lib/systemd/system /b/etc/ssh
touch /var/lib/dpkg/status /var/lib/dpkg/available
printf 'Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.example>\nDescription: sample\n' > /b/DEBIAN/control
printf '#!/bin/sh\nset -e\nln -sf sample /usr/bin/sample-link\ncp /usr/bin/sample /usr/bin/sample-copy\n
chmod 4755 /usr/bin/sample-copy\necho x > /etc/cron.d/sample-made\nmv /etc/cron.d/sample-made /etc/cron.daily-made\n
mkdir -p /etc/systemd/system\necho x > /etc/systemd/system/sample.service\n' > /b/DEBIAN/postinst
chmod 755 /b/DEBIAN/postinst
for file in usr/bin/sample usr/lib/libc.so.6 etc/cron.d/sample etc/init.d/sample etc/pam.d/sample etc/sudoers.d/sample \
	etc/profile.d/sample.sh usr/lib/systemd/system/sample.service etc/ssh/ssh_host_sample_key; do
	echo "# $file" > "/b/$file"
done
dpkg-deb --build /b /tmp/sample.deb
dpkg -i /tmp/sample.deb
dpkg -r sample
