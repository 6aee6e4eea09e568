# gitassets: what the hooks beside this file share. They set $hook to their name, and $calls to what is called at that
# point: both, or only theirs or ours. Git finds them through core.hooksPath of the run's work tree alone.
gitdir=${GIT_DIR:-.git}
if [ -f "$gitdir" ]; then
    read -r _ gitdir <"$gitdir"
fi

# Whether this is the work tree of a run: marked as one, or on the branch of one, also while that is rebased, or with
# the files of one where it is detached or on another branch. No process is started for it.
run=
if [ -f "$gitdir/gitassets-run" ]; then
    run=yes
else
    for file in HEAD rebase-merge/head-name rebase-apply/head-name; do
        if [ -f "$gitdir/$file" ] && read -r ref <"$gitdir/$file"; then
            case $ref in *refs/heads/run/*) run=yes ;; esac
        fi
    done
    for file in asset_manifest.json audio.dvc images.dvc video.dvc final.dvc takes.dvc; do
        if [ -z "$run" ] && [ -f "$file" ]; then run=perhaps; fi
    done
fi

# Git looks for hooks in one folder only, so the hook that it would have called without this one runs here, and first:
# in the folder that core.hooksPath names elsewhere than for this work tree, else in the repository's own.
if [ "$calls" != ours ]; then
    ours=${0%/*}
    common=$gitdir
    if [ -f "$gitdir/commondir" ]; then
        read -r common <"$gitdir/commondir"
        case $common in
            ../..) common=${gitdir%/*/*} ;;
            /*) ;;
            *) common=$gitdir/$common ;;
        esac
    fi
    theirs=$common/hooks
    python=
    while IFS= read -r line; do
        case $line in
            "core.hookspath $ours") ;;
            "core.hookspath "*) theirs=${line#* } ;;
            "gitassets.python "*) python=${line#* } ;;
        esac
    done <<EOF
$(git config --type=path --get-regexp '^(core\.hookspath|gitassets\.python)$')
EOF
    if [ -x "$theirs/$hook" ] && ! [ "$theirs" -ef "$ours" ]; then
        # The pre-commit framework, where it is in use, has no configuration in a run's folder.
        if [ -n "$run" ] && [ ! -f .pre-commit-config.yaml ]; then
            export PRE_COMMIT_ALLOW_NO_CONFIG=1
        fi
        [ "$calls" != theirs ] || exec "$theirs/$hook" "$@"
        "$theirs/$hook" "$@" || exit $?
    fi
fi
[ -n "$run" ] && [ "$calls" != theirs ] || exit 0

# What a command of gitassets commits it has checked itself. Only that very change is taken for its own.
if [ "$hook" = pre-commit ] && [ -n "$GITASSETS_STAGED" ] &&
    [ "$(git diff-index --cached --no-abbrev --no-renames HEAD)" = "$GITASSETS_STAGED" ]; then
    exit 0
fi

# The message of a command of gitassets names all that it does.
if [ "$hook" = commit-msg ] && [ -n "$GITASSETS_MESSAGE" ] && [ "$(cat "$1")" = "$GITASSETS_MESSAGE" ]; then
    exit 0
fi

if [ "$calls" = ours ]; then
    python=$(git config --type=path --get gitassets.python)
fi
if [ -x "$python" ]; then
    "$python" -I -m gitassets.hook "$hook" "$@"
    code=$?
    # Only where it failed is it worth the time to find out whether gitassets itself is gone.
    if [ "$code" = 0 ] || "$python" -I -c "import gitassets.hook" 2>/dev/null; then
        exit "$code"
    fi
fi
# Such files may also be the user's own.
[ "$run" = yes ] || exit 0
{
    echo "gitassets: this is the folder of a run, and the program that guards its approved assets is missing."
    echo "  looked for: ${python:-nothing: git config gitassets.python is not set}"
    echo "  → Install gitassets, then run \`gitassets hooks install\` in the project."
} >&2
case $hook in post-*) exit 0 ;; esac
exit 1
