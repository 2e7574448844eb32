# Sourced, with $root set: how the package compiles its kernels for the processor $1 with the compiler of the further
# arguments, as CMakeLists.txt has it. Sets `kernel` (the options of all kernels), `variants` (a name and the options of
# its instruction set each) and `x86`.
cmake=$root/CMakeLists.txt
read -ra kernel < <(sed -n 's/^ *set(kernel_options \(-.*\))$/\1/p' "$cmake")
macros=$("${@:2}" -dM -E -x c /dev/null)
if [[ $macros == *__clang__* ]]; then
    replace=$(sed -n 's/^ *list(TRANSFORM kernel_options REPLACE "\(.*\)" "\(.*\)")$/s|\1|\2|/p' "$cmake")
    mapfile -t kernel < <(printf '%s\n' "${kernel[@]}" | sed "${replace:?not where it was in $cmake}")
fi
variants=(baseline)
x86=()
case $1 in x86_64 | amd64)
    x86=(-DCR_X86_VARIANTS -DCR_AVX512BF16_VARIANT)
    mapfile -t -O 1 variants < <(sed -n 's/^ *add_variant(\([a-z0-9]* -m.*\))$/\1/p' "$cmake")
    ;;
esac
if [ ${#kernel[@]} -eq 0 ] || { [ ${#x86[@]} -gt 0 ] && [ ${#variants[@]} -ne 4 ]; }; then
    echo "the compiler options are not where they were in $cmake" >&2
    exit 2
fi
