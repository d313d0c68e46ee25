#!/bin/sh
# Runs every fuzz target of the repository, one after the other: tools/fuzz.sh 20000x, or 1m. It finds them by name, so
# that a new one is never forgotten. It stops at the first that fails: Go keeps the input in testdata/fuzz of its package,
# where later runs of `go test` find it. A number of inputs is better than a time: on a busy machine `go test` may report
# the end of the time as a failure ("context deadline exceeded").
set -eu

duration=${1:?how many inputs each target gets, such as 20000x}
found=0
for line in $(grep -rn --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's|^\./(.*)/[^/]*_test\.go:[0-9]+:func (.*)$|./\1,\2|; s/ //g' | sort -u); do
	package=${line%,*} target=${line#*,}
	echo "fuzzing $target in $package for $duration"
	# In its folder, since the connector is a module of its own.
	go test -C "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$duration" .
	found=$((found + 1))
done
if [ "$found" -eq 0 ]; then
	echo "no fuzz target was found: run this in the directory of the repository" >&2
	exit 1
fi
echo "$found fuzz targets have run"
