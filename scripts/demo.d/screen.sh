# screen.sh: how the demo looks: colours on a terminal, plain text elsewhere.

width=140 on_terminal=no
if [ -t 1 ]; then
    on_terminal=yes
    width=$(tput cols 2>/dev/null || echo 80)
fi
if [ "$on_terminal" = yes ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\033[1;36m' dim=$'\033[2m' red=$'\033[31m' green=$'\033[32m' yellow=$'\033[33m' plain=$'\033[0m'
else
    bold='' dim='' red='' green='' yellow='' plain=''
fi
chapter=0

title() {
    chapter=$((chapter + 1))
    printf '\n%s== %s. %s ==%s\n' "$bold" "$chapter" "$*" "$plain"
}
note() { printf '%s# %s%s\n' "$dim" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; }
run() { show "$@"; "$@"; }
fail() { printf '%sdemo: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }

# Lines "ok: TEXT" and "WRONG: TEXT" in colours.
verdicts() { sed -u -e "s/^ok: /${green}ok${plain}     /" -e "s/^WRONG: /${red}WRONG${plain}  /"; }

# On a terminal one line per thing: what is too long loses its middle.
fit() {
    [ "$on_terminal" = yes ] || { cat; return; }
    awk -v width="$width" '
        length($0) <= width { print; next }
        { tail = int(width / 3); print substr($0, 1, width - tail - 3) " … " substr($0, length($0) - tail + 1) }'
}

# Log lines without the date, coloured by what they tell.
alerts() {
    sed -u -E 's/^[^ ]+T([0-9:]{8})Z /\1 /' | fit | sed -u -E -e "s/^(.* (critical|error) .*)$/$red\1$plain/" \
        -e "s/^(.* warning .*)$/$yellow\1$plain/" -e "s/^(.*: resolved: .*)$/$green\1$plain/"
}
