#!/usr/bin/env bash
# Make a folder with Debian's Python for arm64 and what it loads, on a Debian of any processor and without a change to it:
#
#     bash packaging/arm64_root.sh FOLDER
#
# apt is given a configuration, lists and a cache of its own there. The Python is then run by
#     qemu-aarch64-static -L FOLDER -E PYTHONHOME=FOLDER/usr FOLDER/usr/bin/python3
set -euo pipefail
[ $# = 1 ] || { echo "usage: bash packaging/arm64_root.sh FOLDER" >&2; exit 2; }
for tool in apt-get dpkg; do
    command -v "$tool" >/dev/null || { echo "no $tool: this wants Debian or Ubuntu" >&2; exit 1; }
done
mkdir -p "$1"
root=$(cd "$1" && pwd)
apt=$root/apt
mkdir -p "$apt"/{lists/partial,cache/archives/partial}
: >"$apt/status" # nothing is installed, so that all is fetched that Python needs
cat >"$apt/conf" <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
EOF
export APT_CONFIG=$apt/conf
apt-get -qq update
apt-get -qq --yes --download-only install python3 libpython3-stdlib libgomp1 libstdc++6
for package in "$apt"/cache/archives/*.deb; do
    dpkg -x "$package" "$root"
done
rm -r "$apt"
