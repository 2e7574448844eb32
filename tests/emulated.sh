#!/usr/bin/env bash
# Test on this machine what other processors and systems do, by emulators:
#
#     bash tests/emulated.sh kernels aarch64|s390x|windows    the C kernels, the team, a training by both
#     bash tests/emulated.sh python aarch64|s390x [FILE...]   Python tests, these or those named below
#     bash tests/emulated.sh files aarch64|s390x              model files written there are read here, and the other way
#
# Where something is missing on the machine it says what, and ends with 0, or with 3 if EMULATED=must is set. It installs
# nothing: of another processor's Python and what tests import, Debian's packages are only unpacked, into the folder
# EMULATED_ROOTS (~/.cache/chainrule-emulated), where they are kept. SUITE is the Debian they are of (testing), CC a
# compiler, PYTHON a Python with Cython and, for Windows, with ziglang.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
what=${1:-} processor=${2:-}
shift $(($# < 2 ? $# : 2))
python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}

need() { # PROGRAM WHAT-TO-DO: end here without it
    command -v "$1" >/dev/null && return
    echo "not tested on $processor: there is no $1 ($2)"
    [ "${EMULATED:-}" = must ] && exit 3 || exit 0
}

case $processor in
aarch64 | s390x)
    need "${CC:=$processor-linux-gnu-gcc}" "apt-get install gcc-${processor/_/-}-linux-gnu libc6-dev-$([ "$processor" = aarch64 ] && echo arm64 || echo s390x)-cross"
    need "qemu-$processor-static" "apt-get install qemu-user-static"
    cc=("$CC")
    run=("qemu-$processor-static")
    link=(-static -lm -ldl -pthread)
    of_kernels=$processor
    ;;
windows)
    need wine "apt-get install wine64"
    if ! "$python" -m ziglang version >/dev/null 2>&1; then
        need "$python -m ziglang" "pip install ziglang"
    fi
    cc=("$python" -m ziglang cc -target x86_64-windows-gnu)
    run=(env WINEPREFIX="$work/wine" WINEDEBUG=-all wine)
    link=()
    of_kernels=x86_64
    ;;
*)
    sed -n '2,/^set/{/^#/{s/^# \{0,1\}//;p}}' "$0" >&2
    exit 2
    ;;
esac
# shellcheck source=tests/c/options.sh
source "$root/tests/c/options.sh" "$of_kernels" "${cc[@]}"
common=(-std=gnu11 -Wall -Wextra -Wno-pass-failed -I "$root/csrc" -I "$root/tests/c")
portable=("$root"/csrc/{simd,blas,shuffle,team,platform}.c)

running=()
finish() { # all processes in the background, or fail
    local process
    for process in "${running[@]}"; do wait "$process"; done
    running=()
}

build_kernels() { # OPTION...
    local double variant name options
    for double in 0 1; do
        for variant in "${variants[@]}"; do
            read -r name options <<<"$variant"
            # shellcheck disable=SC2086 # options are several words
            "${cc[@]}" "${common[@]}" "${kernel[@]}" $options "$@" -DCR_VARIANT="$name" -DCR_DOUBLE=$double \
                -c "$root/csrc/kernels/variant.c" -o "$work/$name$double.o" &
            running+=($!)
        done
        finish
    done
}

test_kernels() {
    local double
    build_kernels
    "${cc[@]}" "${common[@]}" -O1 "$root/tests/c/test_team.c" "$root"/csrc/{team,platform}.c "${link[@]}" -o "$work/team"
    for double in 0 1; do
        for test in kernels training; do
            "${cc[@]}" "${common[@]}" -O1 "${x86[@]}" -DCR_DOUBLE=$double "$root/tests/c/test_$test.c" "${portable[@]}" \
                "$work"/*.o "${link[@]}" -o "$work/$test$double" &
            running+=($!)
        done
    done
    finish
    "${run[@]}" "$work/team" # alone: it also lets Wine make its folder
    for test in kernels0 kernels1 training0 training1; do
        "${run[@]}" "$work/$test" &
        running+=($!)
    done
    finish
}

# Debian's Python of the processor with what the tests below import, unpacked once: $there.
packages=(python3-{numpy,scipy,sklearn,mpmath,pytest})
unpack_python() {
    local debian=${processor/aarch64/arm64} suite=${SUITE:-testing} apt uri key
    need apt-get "Debian's, which knows its packages for other processors"
    there=${EMULATED_ROOTS:-$HOME/.cache/chainrule-emulated}/$debian-$suite
    if [ -e "$there/unpacked" ] && [ "$(<"$there/unpacked")" = "${packages[*]}" ]; then return; fi
    rm -rf "$there"
    apt=$there/apt
    mkdir -p "$apt"/state/lists/partial "$apt"/cache/archives/partial
    : >"$apt/state/status"
    uri=$(apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' | sed -n 's/^main //p' | head -n 1)
    key=$(find /usr/share/keyrings -name 'debian-archive-keyring.*' | head -n 1)
    echo "deb [arch=$debian signed-by=$key] $uri $suite main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<END
Dir::State "$apt/state"; Dir::State::status "$apt/state/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::main "-";
APT::Architecture "$debian"; APT::Architectures { "$debian"; }; APT::Install-Recommends "false";
APT::Sandbox::User "root"; Acquire::Languages "none";
END
    export APT_CONFIG=$apt/apt.conf
    apt-get -qq update
    apt-get -qq install --download-only "${packages[@]}" >/dev/null
    local version
    version=$(apt-cache depends python3 | sed -n 's/.*Depends: \(python3\.[0-9]*\)$/\1/p' | head -n 1)
    (cd "$apt/cache/archives" && apt-get -qq download "lib$version-dev" libc6 && rm -f dpkg_*.deb)
    unset APT_CONFIG
    local deb
    for deb in "$apt"/cache/archives/*.deb; do dpkg -x "$deb" "$there"; done
    # what packages do when they are installed and programs here need: old paths, and the one BLAS that there is
    [ -e "$there/lib" ] || ln -s usr/lib "$there/lib"
    rm -rf "$apt/cache"
    echo "${packages[*]}" >"$there/unpacked"
}

# The package for it: $site. Without a BLAS: all products are the kernels'.
build_package() {
    local headers
    unpack_python
    "$python" -c 'import Cython' || need cython "pip install cython"
    site=$work/site
    mkdir "$site"
    cp -r "$root/src/chainrule" "$site"
    find "$site" -name '*.so' -delete
    mkdir "$site/chainrule-0.dist-info"
    printf 'Metadata-Version: 2.1\nName: chainrule\nVersion: %s\n' \
        "$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/pyproject.toml")" >"$site/chainrule-0.dist-info/METADATA"
    read -ra directives < <(sed -n 's/^set(directives \(.*\))$/\1/p' "$cmake")
    "$python" -m cython -3 "${directives[@]}" -X boundscheck=False -X wraparound=False -I "$root/src" \
        "$root/src/chainrule/core/_core.pyx" -o "$work/_core.c"
    headers=$(echo "$there"/usr/include/python3.*/)
    build_kernels -fPIC
    "${cc[@]}" -std=gnu11 -O2 -w -fPIC -shared -DPy_LIMITED_API=0x030b0000 -I "$root/csrc" -isystem "$headers" \
        -isystem "$there/usr/include" "$work/_core.c" "${portable[@]}" "$work"/*.o -lm -ldl -pthread \
        -o "$site/chainrule/core/_core.abi3.so"
}

in_python() { # ARGUMENT...: that Python, which sees the package and the tests' modules
    local libraries=$there/usr/lib/$processor-linux-gnu
    "${run[@]}" -L "$there" -E "LD_LIBRARY_PATH=$libraries:$libraries/blas:$libraries/lapack" -E "PYTHONHOME=$there/usr" \
        -E "PYTHONPATH=$site:$root/tests" -E OPENBLAS_NUM_THREADS=1 -E PYTHONDONTWRITEBYTECODE=1 -E EMULATED_PYTHON=yes \
        "$there/usr/bin/python3" "$@"
}

# those that need no more than the packages above and take a few minutes; what starts a process is skipped
TESTS=(tests/core/test_{equations,gemm,given,gradients,jacobian,one_sample,shuffle,sparse,step}.py
    tests/files/test_{files,files_own,files_written_before,ensemble_file}.py
    tests/training/test_{batches,callbacks,dropout,penalties,training,trainer}.py)

case $what in
kernels) test_kernels ;;
python)
    build_package
    cd "$root"
    in_python -m pytest -q -p no:cacheprovider "${@:-${TESTS[@]}}"
    ;;
files)
    build_package
    cd "$root"
    in_python tests/exchanged_files.py write "$work/there"
    PYTHONPATH=tests "$python" tests/exchanged_files.py write "$work/here"
    PYTHONPATH=tests "$python" tests/exchanged_files.py read "$work/there" "$work/here"
    in_python tests/exchanged_files.py read "$work/here" "$work/there"
    ;;
*)
    echo "expected kernels, python or files, got '$what'" >&2
    exit 2
    ;;
esac
