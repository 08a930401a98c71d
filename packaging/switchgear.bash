# Bash completion for switchgear(1). Commands, options and settings are asked of the program, so that nothing is written twice.

# The panel and the file that are meant so far, for asking about circuits: a word a line.
_switchgear_where() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --panel | --config | -c)
                printf '%s=' "${COMP_WORDS[i]/#-c/--config}"
                [[ ${COMP_WORDS[i + 1]-} == '=' ]] && i=$((i + 1))
                printf '%s\n' "${COMP_WORDS[i + 1]-}" ;;
        esac
    done
}

_switchgear_circuits() {
    local where
    mapfile -t where < <(_switchgear_where)
    "${COMP_WORDS[0]}" status --names "${where[@]}" 2>/dev/null |
        grep -x '[A-Za-z0-9._:@/-]\+'
}

_switchgear_options() { # [COMMAND]
    "${COMP_WORDS[0]}" help ${1:+"$1"} 2>/dev/null | grep -o '^ \+\(-., \)\?--[a-z-]*=\?' | grep -o -e '--.*'
}

# What an option takes, in capitals; nothing if it takes nothing.
_switchgear_takes() { # OPTION [COMMAND]
    local short='' long=''
    case $1 in
        -*[!a-zA-Z-]*) return ;;
        --?*) long=${1#--} ;;
        -?) short=${1#-} ;;
        *) return ;;
    esac
    "${COMP_WORDS[0]}" help ${2:+"$2"} 2>/dev/null |
        sed -n ${long:+"s/^ .*--$long=\\([^ ]*\\).*/\\1/p"} ${short:+"s/^ *-$short, --[a-z-]*=\\([^ ]*\\).*/\\1/p"}
}

# The arguments of a command, as its usage has them.
_switchgear_arguments() { # COMMAND
    "${COMP_WORDS[0]}" help "$1" 2>/dev/null | sed -n "s/^Usage: switchgear $1 *\\(\\[OPTION...\\]\\)\\? *//p"
}

_switchgear_commands() {
    "${COMP_WORDS[0]}" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

_switchgear_settings() {
    "${COMP_WORDS[0]}" help settings 2>/dev/null | sed -n 's/^\([a-z][a-z0-9._]*\) .*/\1=/p'
}

# Where the command stands in the line, 0 if not yet; and for exec and call, how many words came after it that are no options.
_switchgear_look() {
    local i word
    command='' command_at=0 arguments=0 rest_at=0
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == '--' ]]; then
            rest_at=$((i + 1))
            return
        elif [[ $word == -* && -n $(_switchgear_takes "$word" "$command") ]]; then
            [[ ${COMP_WORDS[i + 1]-} == '=' ]] && i=$((i + 1))
            i=$((i + 1))
        elif [[ $word == :* && $command_at -gt 0 ]]; then
            arguments=$((arguments - 1)) # the shell cut one name in two
        elif [[ $word == -* || $word == '=' ]]; then
            continue
        elif ((command_at == 0)); then
            command=$word command_at=$i
        else
            arguments=$((arguments + 1))
        fi
    done
    [[ ${COMP_WORDS[COMP_CWORD]} != :* ]] || arguments=$((arguments - 1))
}

# Not compgen -W: it expands its words, and names come from a panel that others write.
_switchgear_reply() { # LINES
    local line
    while IFS= read -r line; do
        [[ -n $line && $line == "$current"* ]] && COMPREPLY+=("$line")
    done <<< "$1"
    if [[ ${COMPREPLY[0]-} == *= ]]; then
        compopt -o nospace
    fi
    # The shell puts a reply in the place of what follows the last colon.
    if [[ $current == *:* && ${COMP_WORDBREAKS-} == *:* ]]; then
        line=${current%"${current##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$line"}")
    fi
}

_switchgear_panels() {
    compgen -f -X '!*.v1.panel' -- "$current" | sed 's/\.v1\.panel$//'
    compgen -d -S / -- "$current"
}

_switchgear_files() {
    compgen -f -- "$current"
}

_switchgear_presets() {
    printf '%s\n' default read write default_db auth queue api api-retry alternator \
        resilience4j polly opossum gobreaker hystrix
}

_switchgear() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]-}
    local command command_at arguments rest_at
    # Names are full of colons, at which the shell ends a word: the line has the whole of it.
    local typed=${COMP_LINE-}
    typed=${typed:0:${COMP_POINT:-0}}
    typed=${typed##*[[:blank:]]}
    COMPREPLY=()
    if [[ $typed == *:* && $typed != *[=\'\"\\]* ]]; then
        current=$typed
    elif [[ $current == '=' ]]; then
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]-}
    fi
    _switchgear_look

    if ((rest_at > 0)); then
        if declare -F _command_offset >/dev/null; then
            _command_offset "$rest_at"
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$current" | sort -u)
        fi
        return
    fi
    case $previous in
        --panel) compopt -o nospace 2>/dev/null; _switchgear_reply "$(_switchgear_panels)"; return ;;
        --preset) _switchgear_reply "$(_switchgear_presets)"; return ;;
        --set) _switchgear_reply "$(_switchgear_settings)"; return ;;
        -*)
            case $(_switchgear_takes "$previous" "$command") in
                '') ;;
                FILE | PATH) compopt -o filenames 2>/dev/null; _switchgear_reply "$(_switchgear_files)"; return ;;
                *) return ;;
            esac ;;
    esac
    if [[ $current == -* ]]; then
        _switchgear_reply "$(_switchgear_options "$command")"
    elif ((command_at == 0)); then
        _switchgear_reply "$(_switchgear_commands)"
    elif [[ $command == help ]]; then
        _switchgear_reply "$(_switchgear_commands)"$'\nsettings'
    elif [[ $command == exec && $arguments -ge 1 ]]; then
        _switchgear_reply '--'
    elif [[ $command == call && $arguments -ge 1 ]]; then
        _switchgear_reply $'http://\nhttps://'
    else
        case $(_switchgear_arguments "$command") in
            NAME* | \[NAME*) _switchgear_reply "$(_switchgear_circuits)" ;;
            FILE* | \[FILE*) compopt -o filenames 2>/dev/null; _switchgear_reply "$(_switchgear_files)" ;;
        esac
    fi
}

complete -F _switchgear switchgear
