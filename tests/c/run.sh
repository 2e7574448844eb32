#!/usr/bin/env bash
# Test the C kernels on their own, for float and double and every SIMD variant the processor has: once under the address
# and undefined-behaviour sanitizers, once optimised as in the package, with a page nobody may touch after every array. The
# team of threads also runs under the thread sanitizer, and so does a training by team and kernels.
#
#     bash tests/c/run.sh        CC names another compiler than cc
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cc=${CC:-cc}
common=(-std=c11 -Wall -Wextra -Wno-pass-failed -I "$root/csrc" -I "$root/tests/c")
# Not object-size: the address sanitizer sees the same, and with it compilers take minutes.
sanitize=(-fsanitize=address,undefined -fno-sanitize=object-size -fno-sanitize-recover=all)

echo 'int main(void) { return 0; }' >"$work/empty.c"
if ! "$cc" "${sanitize[@]}" "$work/empty.c" -o "$work/empty" || ! "$work/empty"; then
    echo "$cc cannot build or run a program with ${sanitize[*]}; the C kernels were not tested" >&2
    exit 2
fi

# The options of the kernels, and of each instruction set, are those of the package.
# shellcheck source=tests/c/options.sh
source "$root/tests/c/options.sh" "$(uname -m)" "$cc"

running=()
finish() { # all compilers in the background, or fail
    local process
    for process in "${running[@]}"; do wait "$process"; done
    running=()
}

build() { # FOLDER SOURCE OPTION...
    local folder=$work/$1 source=$2 double variant name options
    mkdir "$folder"
    shift 2
    for double in 0 1; do
        for variant in "${variants[@]}"; do
            read -r name options <<<"$variant"
            # shellcheck disable=SC2086 # options are several words
            "$cc" "${common[@]}" "${kernel[@]}" $options "$@" -DCR_VARIANT="$name" -DCR_DOUBLE=$double \
                -c "$root/csrc/kernels/variant.c" -o "$folder/$name$double.o" &
            running+=($!)
        done
    done
    finish
    for double in 0 1; do
        "$cc" "${common[@]}" -O1 "$@" "${x86[@]}" -DCR_DOUBLE=$double "$root/tests/c/$source" \
            "$root"/csrc/{simd,blas,shuffle,team,platform}.c "$folder"/*.o -o "$folder/test$double" -lm -ldl -pthread &
        running+=($!)
    done
    finish
}

team=("$root"/tests/c/test_team.c "$root"/csrc/{team,platform}.c -ldl -pthread)
for sanitizer in address,undefined thread; do
    "$cc" "${common[@]}" -O1 -g1 "-fsanitize=$sanitizer" "${team[@]}" -o "$work/team-$sanitizer" &
    running+=($!)
done
finish

export ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
build sanitized test_kernels.c -Og -g1 "${sanitize[@]}"
build shipped test_kernels.c
build threads test_training.c -Og -g1 -fsanitize=thread
for folder in sanitized shipped threads; do
    for double in 0 1; do
        echo "-- $folder"
        "$work/$folder/test$double"
    done
done
for sanitizer in address,undefined thread; do
    echo "-- team: $sanitizer"
    "$work/team-$sanitizer"
done
