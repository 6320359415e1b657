# shellcheck shell=bash
# promtool of the image that the deployment runs; where there is no engine, this machine's own (needs docker.sh, image.sh).

export PROMETHEUS_IMAGE DEPLOY

ensure_promtool() { ! docker_answers || "$IMAGES/build" prometheus; }

# promtool ARGUMENT…: paths are relative to deploy. Tests name the rules by a path from where they are.
promtool() {
  if ! docker_answers; then
    command promtool "$@"
    return
  fi
  docker run --rm --interactive --network none --read-only --tmpfs /tmp --cap-drop ALL -w /deploy --entrypoint promtool \
    -v "$DEPLOY/conf/prometheus:/deploy/conf/prometheus:ro" -v "$DEPLOY/checks/rules.d:/deploy/checks/rules.d:ro" "$PROMETHEUS_IMAGE" "$@"
}
export -f promtool docker_answers
