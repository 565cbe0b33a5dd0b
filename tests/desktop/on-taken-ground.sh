#!/bin/sh
# The launcher where everything that it stands on can be taken away: see faults.js, which writes the file that is read here.
set -a
. "$R3MES_TEST_FOLDER/faults/surroundings"
set +a
exec "$R3MES_LAUNCHER" "$@"
