# gitslices for bash: put this into ~/.bashrc
#   eval "$(gitslices shell-init bash)"

# gs cd SLICE goes to the slice's worktree; anything else is gitslices.
gs() {
    if [[ ${1-} == cd ]]; then
        local there
        there=$(command gitslices path "${@:2}") && cd -- "$there"
    else
        command gitslices "$@"
    fi
}

# A command line up to the cursor, and the word that bash sees there; offers what may follow.
__gitslices_offer() {
    local line=$1 word=$2 kind value about typed
    COMPREPLY=()
    typed=${line##*[[:space:]]}
    while IFS=$'\t' read -r kind value about; do
        case $kind in
            '') ;;
            file) compopt -o default -o filenames ;;
            dir) compopt -o dirnames -o filenames ;;
            *)
                # Bash breaks words at = and :, and puts back only what stands after the last one.
                if [[ $typed == *[:=]* && $typed != "$word" ]]; then
                    local before=${typed%"$word"}
                    before=${before#*=}
                    value=${value#"$before"}
                fi
                COMPREPLY+=("$(printf %q "$value")")
                ;;
        esac
    done < <(GITSLICES_LINE=$line _GITSLICES_COMPLETE=line_complete command gitslices 2>/dev/null)
    # Nothing follows an option that wants its value at once.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace
    fi
}

_gitslices() {
    local word=${COMP_WORDS[COMP_CWORD]}
    [[ $word == [:=] ]] && word=
    __gitslices_offer "${COMP_LINE:0:COMP_POINT}" "$word"
}

# What git's own completion asks for `git slices`.
_git_slices() {
    local at=1
    while [[ $at -lt $cword && ${words[at]} != slices ]]; do
        ((at += 1))
    done
    local IFS=' '
    __gitslices_offer "gitslices ${words[*]:at+1:cword-at}" "${words[cword]}"
    # Git lets nothing follow by itself.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} != *[=/] ]]; then
        COMPREPLY[0]+=' '
    fi
}

complete -F _gitslices gitslices git-slices gs
