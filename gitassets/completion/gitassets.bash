# Completion of gitassets for bash, and of `git assets` where git's own completion is loaded.

# The program prints the kind of what it offers, then one value a line: "value<TAB>description".
_gitassets_ask() {
    local program=$1 kind= line
    shift
    type -P -- "$program" >/dev/null || program=gitassets
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        if [[ -z $kind ]]; then
            kind=$line
        elif [[ $line == *[!a-zA-Z0-9_.,:/@%+=-]* ]]; then
            COMPREPLY+=("$(printf '%q' "$line")")
        else
            COMPREPLY+=("$line")
        fi
    done < <(_GITASSETS_COMPLETE=bash "$program" "$@" 2>/dev/null)
    case $kind in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    esac
    compopt -o nosort 2>/dev/null
    return 0
}

_gitassets() {
    _gitassets_ask "$1" "${COMP_WORDS[@]:1:COMP_CWORD}"
}

# Git's completion calls this for `git assets`; `words` and `cword` are its own, and it adds no spaces.
_git_assets() {
    local at=$((${__git_cmd_idx:-1} + 1))
    _gitassets_ask git-assets "${words[@]:at:cword-at+1}"
    COMPREPLY=("${COMPREPLY[@]/%/ }")
}

complete -F _gitassets gitassets git-assets claude-studio
