# Read by bash (as BASH_ENV) before a step of the runbook. Each command is announced on descriptor 198 just before it starts, together with
# what the one before it left; bash then waits for a byte on descriptor 199, so that output between two announcements belongs to one command.
# Fields are separated by \x1f, announcements end with \0; commands.py reads them.
#
# Jobs get process groups of their own (-m), as in a person's interactive shell, and Ctrl-C ends a command, not the shell (trap INT).
# `$?`, the pipeline's statuses and `$_` are for the step what they would be without the trap.
command_not_found_handle() {
    printf 'missing\x1f%s\0' "$1" >&198
    printf '%s: line %s: %s: command not found\n' "$0" "${BASH_LINENO[0]}" "$1" >&2
    return 127
}
# a trap's own work is announced too, as the command before it: this takes that back
trap 'printf "not-a-command\x1f%s\0" "$BASHPID" >&198' EXIT INT
# bash runs this after a command that failed where the text does not handle it (not in `a || b`, `if a`, `! a`); a function that is defined is a mark that
# makes no announcement of its own, and the next announcement tells and removes it
trap '__drill_failed() { :; }' ERR
__drill_jobs='\j'
set -m -T -E
unset BASH_ENV
trap '__drill_line=$LINENO __drill_status=$? __drill_statuses="${PIPESTATUS[*]}" __drill_argument=$_
    __drill_unhandled=; declare -F __drill_failed >/dev/null && __drill_unhandled=unhandled && unset -f __drill_failed
    printf "command\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\0" "$__drill_status" "$__drill_statuses" "$__drill_unhandled" "${__drill_jobs@P} ${!-}" \
        "$BASHPID" "$__drill_line" "${FUNCNAME+${#FUNCNAME[@]}}" "${BASH_SOURCE[0]-}" "${BASH_COMMAND:0:800}" >&198
    read -r -N 1 -u 199 __drill_go || :
    : "$__drill_argument"' DEBUG
