# Makes fresh Debian systems in folders, for the scripts of tests that source this file.

# make_debian_root RELEASE FOLDER: puts the smallest system of the release, such as bookworm, into the folder, with
# debootstrap. If it cannot, prints a reason and returns 1.
make_debian_root() {
  local release=$1 root=$2
  if [[ $(id -u) != 0 ]]; then
    echo 'a Debian system in a folder takes root; run this as root'
    return 1
  fi
  if ! command -v debootstrap > /dev/null; then
    echo 'debootstrap is missing; run deploy/install-packages test'
    return 1
  fi
  if ! debootstrap --variant=minbase "$release" "$root" > "$root.log" 2>&1; then
    echo "debootstrap $release failed: $(tail -1 "$root.log")"
    return 1
  fi
}
