#!/bin/sh
# The C++ tests under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer. Build folders are kept
# under $BACKLIT_BUILD (default: build/) so that a second run only compiles what changed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BACKLIT_BUILD:-$root/build}
for sanitizer in ${*:-address,undefined thread}; do
  folder=$build/sanitize-$(echo "$sanitizer" | tr , -)
  cmake -S "$root" -B "$folder" -DBACKLIT_PYTHON=OFF -DBACKLIT_TESTS=ON -DBACKLIT_SANITIZE="$sanitizer" >/dev/null
  cmake --build "$folder" --parallel "${JOBS:-2}" --target native_tests
  echo "== $sanitizer"
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$folder/native/tests/native_tests"
done
