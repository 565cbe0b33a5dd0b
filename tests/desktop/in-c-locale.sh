#!/bin/sh
# The launcher in the locale of a machine that was never told a language.
exec env LANG=C.UTF-8 LC_ALL=C.UTF-8 "$R3MES_LAUNCHER" "$@"
