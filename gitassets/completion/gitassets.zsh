#compdef gitassets git-assets claude-studio
# Completion of gitassets for zsh, and of `git assets`.

# The program prints the kind of what it offers, then one value a line: "value<TAB>description".
_gitassets_ask() {
    local program=$1 line
    local -a lines values
    shift
    whence -p -- $program >/dev/null || program=gitassets
    lines=("${(@f)$(_GITASSETS_COMPLETE=zsh command $program "$@" 2>/dev/null)}")
    case $lines[1] in
    files) _files ;;
    folders) _files -/ ;;
    values)
        for line in "${(@)lines[2,-1]}"; do
            if [[ $line == *$'\t'* ]]; then
                values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
            else
                values+=("${line//:/\\:}")
            fi
        done
        _describe -V 'values' values
        ;;
    esac
}

_gitassets() {
    _gitassets_ask "${(Q)words[1]}" "${(@Q)words[2,CURRENT]}"
}

# zsh's completion of git calls this for `git assets`.
_git-assets() {
    _gitassets_ask git-assets "${(@Q)words[2,CURRENT]}"
}

case $funcstack[1] in
_gitassets | _git-assets) $funcstack[1] ;;
*) compdef _gitassets gitassets git-assets claude-studio ;;
esac
