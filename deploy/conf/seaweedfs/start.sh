#!/bin/sh
# SeaweedFS as one process. Only S3 listens to others: whoever reaches the master, the volumes or the filer needs no key.
set -eu

# In GiB: how large a volume becomes, and what of the disk stays free for whoever shares it and for tidying up, which copies a volume.
VOLUME=1
RESERVE=5

# What was acknowledged is to survive a power cut. SeaweedFS itself flushes objects at most (fs.configure -fsync), never their names;
# with this attribute the file system writes through what is made in here.
[ "${OBJECTS_SYNC:-on}" = off ] || chattr +S /data 2>/dev/null || echo "the file system of /data does not write through: a power cut can cost the last half minute" >&2

# As many volumes as fit. A disk that runs full would end tidying up for good: it skips volumes for which there is no room left.
volumes="${OBJECTS_MAX_GB:-}"
if [ -z "$volumes" ]; then
  free="$(df -Pk /data | awk 'NR == 2 { print $4 }')"
  ours="$(du -sk /data | cut -f1)"
  volumes=$(((free + ours) / 1048576 / VOLUME - RESERVE))
fi
# One for objects, one for its own log.
[ "$volumes" -ge 2 ] || volumes=2
echo "$volumes volumes of $VOLUME GiB at most" >&2

# Go collects garbage in time for the container's limit; requests wait for their share of what is left (eight clients at 8 MiB parts
# end an unlimited one within 512 MiB).
OBJECTS_MEMORY="${OBJECTS_MEMORY:-768m}"
case "$OBJECTS_MEMORY" in
  *[gG]) memory=$((${OBJECTS_MEMORY%?} * 1024)) ;;
  *[mM]) memory="${OBJECTS_MEMORY%?}" ;;
  *) echo "OBJECTS_MEMORY=$OBJECTS_MEMORY: a number with m or g" >&2 && exit 1 ;;
esac
export GOMEMLIMIT=$((memory * 3 / 4))MiB

# A new bucket takes one of them, not seven.
export WEED_MASTER_VOLUME_GROWTH_COPY_1=1
# Without peers there is no election, which would take 20 s at each start.
exec weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.peers=none -master.telemetry=false -master.volumeSizeLimitMB=$((VOLUME * 1024)) -master.vacuumIntervalSeconds=300 \
  -volume.max="$volumes" -volume.preStopSeconds=0 \
  -s3 -s3.ip.bind=0.0.0.0 -s3.config=/run/secrets/s3.json -s3.autoCreateBucket=false -s3.iam=false \
  -s3.port.iceberg=0 -s3.port.lance=0 \
  -s3.concurrentUploadLimitMB=$((memory / 12)) -s3.readerCacheSizeMB=$((memory / 6))
