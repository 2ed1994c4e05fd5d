# A cron daemon with the table that its image brings; long enough for a minute to begin.
crond -f -l 8 &
sleep 62
kill $!
cat /tmp/cron-ran
