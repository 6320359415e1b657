# Everything a developer runs; CI runs the same. `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

_default:
    @just --list --unsorted

# Bring the platform up on this machine and create a first tenant
up:
    deploy/up

# Stop and remove everything that `up` started
down *flags:
    deploy/down {{flags}}

# Format, lint and test everything, with servers of its own (what CI runs)
test:
    deploy/test

# Format
fmt:
    cargo fmt --all

# Lint as CI does
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    deploy/checks/arrows
    deploy/checks/circles

# Check Prometheus' settings and rules, and test every alert
rules:
    deploy/checks/rules

# Check the dashboards: Grafana's types, and every query
dashboards:
    deploy/checks/dashboards

# The tests that need no server: seconds
unit:
    cargo test --workspace --locked --exclude e2e

# Simulate operations, schedules and the reconciler for many seeds (a night: 50000)
simulate seeds="5000":
    SIMULATION_SEEDS={{seeds}} cargo test -p testkit --locked whatever_happens -- --nocapture
    SIMULATION_SEEDS={{seeds}} cargo test -p provisioner --locked --lib whatever_is_damaged -- --nocapture

# Change leases, journals and signatures in small ways, one at a time, and see whether the tests notice: docs/mutants.md
mutants *flags:
    deploy/servers up
    set -a; eval "$(deploy/servers env)"; set +a; deploy/checks/mutants {{flags}}

# Every test of the crates, against real servers (left running; `deploy/servers down` ends them)
integration:
    deploy/servers up
    set -a; eval "$(deploy/servers env)"; eval "$(deploy/checks/tools)"; set +a; cargo test --workspace --locked --exclude e2e -- --include-ignored

# Give every parser of the gateway a million inputs; the same seed gives the same ones
fuzz inputs="1000000" seed=`od -An -N4 -tu4 /dev/urandom | tr -d ' '`:
    FUZZ_INPUTS={{inputs}} FUZZ_SEED={{seed}} cargo test --workspace --locked --lib fuzz:: -- --nocapture

# Send a gateway some 20,000 requests made up from its description; `examples` is a number for each operation
fuzz-api examples="500" seed=`od -An -N4 -tu4 /dev/urandom | tr -d ' '`:
    deploy/servers up
    set -a; eval "$(deploy/servers env)"; eval "$(deploy/checks/tools)"; set +a; API_FUZZ_EXAMPLES={{examples}} API_FUZZ_SEED={{seed}} cargo test --workspace --locked --test api -- --include-ignored --nocapture made_up_requests

# Write the description of the API anew, and the client that is generated from it
describe:
    UPDATE_DESCRIPTION=on cargo test --workspace --locked --test api the_committed_description
    cd deploy/netlify && npm ci && npm run generate

# The API's documentation, built
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Measure the gateway and the record beside Fastify and pgbench in the same run
bench:
    benches/run

# Break everything for ten minutes and count what was lost or done twice
storm:
    deploy/storm

# A release and a former one work on one record for five minutes of storm, and then the former one alone: docs/storm.md
releases former seconds="300":
    STORM_FORMER={{former}} STORM_SECONDS={{seconds}} STORM_VERBS="${STORM_VERBS:-apart}" deploy/storm

# Fill the n8n that tenants share on a platform that is up, call everybody at once, and see what one more costs (docs/sharing.md)
crowd:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo run --locked -p e2e --example crowd

# A tenant under calls while everything is done to it, a main that hangs, logins that were changed, services killed while a tenant is created, workers cut off, networks of others, a large tenant backed up and restored, a service killed meanwhile: half an hour, on a platform that is up (docs/tried.md)
long:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo test -p e2e --locked --test long -- --include-ignored --test-threads=1 --skip held:: --skip moves:: --skip upgraded:: --skip killed::

# Every test that tries something in short, at length: 500 seeds, each step broken at every depth, gateways killed fifty times, hundreds of keys, every object damaged in every way; an hour (docs/tried.md)
thorough:
    deploy/servers up
    set -a; eval "$(deploy/servers env)"; eval "$(deploy/checks/tools)"; set +a; EFFORT=all cargo test --workspace --locked --no-fail-fast --lib --test record --test real --test api --test edge --test sides -- --include-ignored

# Keep what backups are made of in Garage, built once (six minutes), and try everything with it (docs/tried.md)
garage:
    deploy/servers up
    set -a; eval "$(deploy/servers env)"; eval "$(deploy/checks/tools)"; set +a; deploy/checks/garage cargo test --workspace --locked --test store --test real --no-fail-fast -- --include-ignored

# Cut workers off from Redis in four ways on a platform that is up, and see how long what waits is not taken (docs/observability.md)
cut-off:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo run --locked -p e2e --example cut_off

# Run known executions of every kind, kill the collector meanwhile, and see whether each is counted once (docs/observability.md)
counted:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo run --locked -p e2e --example counted

# Let a gateway be attacked in seven ways, and see what it costs everybody else (docs/siege.md)
siege:
    deploy/servers up
    cargo build --locked --profile dist -p gateway --features jemalloc
    cargo build --locked --profile dist -p siege
    set -a; eval "$(deploy/servers env)"; set +a; SIEGE_GATEWAY="${CARGO_TARGET_DIR:-target}/dist/gateway" "${CARGO_TARGET_DIR:-target}/dist/siege"

# Restart and break a tenant whose calls are held, on a platform that is up (not with HOLDER=off), and see whether each call runs once (docs/holder.md)
held:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo test -p e2e --locked --test long held:: -- --include-ignored --test-threads=1 --nocapture

# Move a tenant out of a shared n8n and back, twenty times, while it is called, on a platform that is up, and see whether each call runs once (docs/tried.md)
moves times="20" calls="2":
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; MOVES={{times}} MOVES_CALLS_A_SECOND={{calls}} cargo test -p e2e --locked --test long moves:: -- --include-ignored --nocapture

# Upgrade twenty tenants one after the other, in place and beside the former release in turn, while each is called, on a platform that is up, and see whether each call runs once (docs/tried.md)
upgraded times="20":
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; UPGRADES={{times}} cargo test -p e2e --locked --test long upgraded:: -- --include-ignored --nocapture

# Kill the provisioner at ten moments of a promotion, a rollback, an upgrade and a failover while the tenant is called, on a platform that is up, and see whether each is done and each call runs once (docs/tried.md)
killed:
    set -a; source "deploy/.state/${RP9_PROJECT:-rp9}/local.env"; set +a; cargo test -p e2e --locked --test long killed:: -- --include-ignored --test-threads=1 --nocapture

# Lose a platform of four tenants, and bring it back from its store and the recovery key alone (docs/disaster-recovery.md)
disaster:
    deploy/disaster

# Call a webhook of the platform that `up` started 3,000 times, ten at once, and wait for each answer (docs/tried.md)
answers calls="3000":
    set -a; . deploy/local.env; set +a; E2E_CALLS={{calls}} cargo test -p e2e --locked --test platform answers:: -- --include-ignored --nocapture

# Restart a tenant's main, Redis, Traefik and the gateway of that platform in turn, under so many calls a second as its workers can run (docs/tried.md)
restarts rounds="5" calls="10":
    set -a; . deploy/local.env; set +a; E2E_ROUNDS={{rounds}} E2E_CALLS_A_SECOND={{calls}} cargo test -p e2e --locked --test platform restarts:: -- --include-ignored --nocapture
