#!/usr/bin/env bash
# The completion offers what the program has, and runs nothing that a name in the panel says.
completion=$(realpath "$(dirname "$0")/../../packaging/switchgear.bash")
. "$(dirname "$0")/cli_lib.sh"
PATH=$folder/bin:$PATH
mkdir bin
ln -s "$program" bin/switchgear
. "$completion"

offers() { # WORD ... -- WANTED ...: completing the last word
    COMP_WORDS=()
    while [[ $1 != ++ ]]; do COMP_WORDS+=("$1"); shift; done
    shift
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _switchgear 2> /dev/null
    for wanted in "$@"; do
        if [[ " ${COMPREPLY[*]} " != *" $wanted "* ]]; then
            echo "completing ${COMP_WORDS[*]}: wanted $wanted, got: ${COMPREPLY[*]}"
            exit 1
        fi
    done
}

run exec orders -- true
run exec payments -- true
offers switchgear '' ++ status trip exec help
offers switchgear is ++ is-tripped isolate
offers switchgear why '' ++ orders payments
offers switchgear why pay ++ payments
offers switchgear trip -- ++ --reason= --for= --panel=
offers switchgear reset -- ++ --reason= --force --panel=
offers switchgear exec --set br ++ breaker.open.for=
offers switchgear exec --preset re ++ read resilience4j
offers switchgear help '' ++ settings call console top
offers switchgear top --int ++ --interval=
offers switchgear trip --reason pay pay ++ payments
offers switchgear trip -r pay pay ++ payments
touch own.yaml
offers switchgear -c own ++ own.yaml
offers switchgear why --config ow ++ own.yaml
offers switchgear -c /dev/null why pay ++ payments
COMP_WORDS=(switchgear trip --reason pay) COMP_CWORD=3 COMPREPLY=()
_switchgear 2> /dev/null
[[ ${#COMPREPLY[@]} -eq 0 ]] || { echo "a reason was completed: ${COMPREPLY[*]}"; exit 1; }
COMP_WORDS=(switchgear top '') COMP_CWORD=2 COMPREPLY=()
_switchgear 2> /dev/null
[[ ${#COMPREPLY[@]} -eq 0 ]] || { echo "top takes no name: ${COMPREPLY[*]}"; exit 1; }
offers switchgear --panel "$folder/panels/te" ++ "$folder/panels/test"
offers switchgear exec orders -- tru ++ true

# The shell cuts words at colons, and puts a reply in the place of what follows the last one.
run exec http-https://api:443 -- true
COMP_LINE='switchgear why http-https://a' COMP_POINT=29
offers switchgear why http-https : //a ++ //api:443
COMP_LINE='switchgear call http-https:' COMP_POINT=27
offers switchgear call http-https : ++ //api:443
COMP_LINE='switchgear exec http-https://api:443 --pre' COMP_POINT=42
offers switchgear exec http-https : //api : 443 --pre ++ --preset=
COMP_LINE=''

# A panel may hold any name. This one would run if it were expanded.
_switchgear_circuits() { printf '%s\n' "\$(touch $folder/ran)" orders; }
offers switchgear why '' ++ orders
[[ ! -e ran ]] || { echo 'a name was run'; exit 1; }
