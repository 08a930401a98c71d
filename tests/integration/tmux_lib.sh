# A terminal for stories about what people see, by tmux on a socket of its own. Sourced after cli_lib.sh.
if ! command -v tmux > /dev/null; then
    echo 'tmux is not installed'
    exit 77
fi
terminals=0
terminal() { tmux -S "$folder/tmux$terminals" -f /dev/null "$@"; }
trap 'terminal kill-server > /dev/null 2>&1; rm -rf "$folder"' EXIT

# Runs a command in a terminal of that size. How it ended is then in the file `ended`, and the modes of the terminal before and after it in
# `before` and `after`; its process in `pid`.
begin() { # WIDTH HEIGHT COMMAND ...
    terminal kill-server > /dev/null 2>&1
    terminals=$((terminals + 1)) # the last server may still be on its way out
    rm -f ended before after pid
    local width=$1 height=$2
    shift 2
    ran="$* (${width}x$height)"
    printf '%q ' "$@" > command
    cat > story << 'END'
trap : INT
stty -g > before
sh -c 'echo $$ > pid.new; mv pid.new pid; . ./run' 
status=$?
stty -g > after
echo $status > ended.new
mv ended.new ended
echo "it ended with $status"
exec sleep 1000
END
    echo "exec $(cat command)" > run
    terminal -u new-session -d -x "$width" -y "$height" "sh ./story"
    terminal set-option -g status off
    until_true test -s pid
}

screen() { terminal capture-pane -p; }

# Shown at once, or soon.
shows() { # EXTENDED REGULAR EXPRESSION
    local i
    for ((i = 0; i < 3000; i++)); do
        ! screen 2> /dev/null | grep -qE -e "$1" || return 0
        sleep 0.02
    done
    echo "$ran: never shown: $1"
    screen | sed 's/^/  | /'
    exit 1
}

# Gone at once, or soon.
shows_not() { # EXTENDED REGULAR EXPRESSION
    local i
    for ((i = 0; i < 3000; i++)); do
        screen 2> /dev/null | grep -qE -e "$1" || return 0
        sleep 0.02
    done
    echo "$ran: shown to the end: $1"
    screen | sed 's/^/  | /'
    exit 1
}

keys() { terminal send-keys "$@"; }
types() { terminal send-keys -l -- "$1"; }

ends() { # STATUS: and the terminal is as it was
    until_true test -s ended
    is "$1" "$(cat ended)" "exit status of $ran"
    is "$(cat before)" "$(cat after)" "the terminal after $ran"
    is 0 "$(terminal display-message -p '#{alternate_on}')" 'the alternate screen'
    is 1 "$(terminal display-message -p '#{cursor_flag}')" 'the cursor'
}
