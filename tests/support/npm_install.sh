# Installs pinned npm packages, for the scripts of tests that source this file.

# npm_install FOLDER WORK_DIR WHAT: installs into WORK_DIR what FOLDER/package-lock.json pins, unless
# that is installed already. If it cannot, prints a reason that names WHAT and returns 1.
npm_install() {
  local from=$1 work=$2 what=$3
  mkdir -p -- "$work"
  if [[ -d $work/node_modules ]] && cmp -s "$from/package-lock.json" "$work/package-lock.json"; then
    return 0
  fi
  if ! command -v npm > /dev/null; then
    echo 'npm is missing; run deploy/install-packages test'
    return 1
  fi
  rm -f -- "$work/package-lock.json"
  # npm ci requires the lock file beside the package; it is kept only if the install succeeds.
  cp -- "$from/package.json" "$from/package-lock.json" "$work/"
  if ! (cd -- "$work" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1 \
    --fetch-timeout 60000 > npm.log 2>&1); then
    rm -f -- "$work/package-lock.json"
    echo "$what could not be installed; $work/npm.log says why"
    return 1
  fi
}
