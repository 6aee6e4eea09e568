# Completion of gitassets for fish, and of `git assets`.

# The program prints the kind of what it offers, then one value a line: "value<TAB>description".
function __gitassets_ask
    set -l current (commandline -ct)
    set -l lines (env _GITASSETS_COMPLETE=fish $argv "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current" ''
        case values
            printf '%s\n' $lines[2..-1]
    end
end

function __gitassets_complete
    set -l words (commandline -opc)
    type -q -- $words[1]; or set words[1] gitassets
    __gitassets_ask $words
end

function __gitassets_complete_git
    set -l words (commandline -opc)
    set -l at (contains -i -- assets $words); and __gitassets_ask git-assets $words[(math $at + 1)..-1]
end

for program in gitassets git-assets claude-studio
    complete -c $program -f -k -a '(__gitassets_complete)'
end
# fish 3.6 does not find the completion of git's added commands by itself.
complete -c git -f -k -n '__fish_git_using_command assets' -a '(__gitassets_complete_git)'
