# gitslices for zsh: put this into ~/.zshrc, after compinit
#   eval "$(gitslices shell-init zsh)"

# gs cd SLICE goes to the slice's worktree; anything else is gitslices.
unalias gs 2>/dev/null
function gs {
    if [[ ${1-} == cd ]]; then
        local there
        there=$(command gitslices path "${@:2}") && builtin cd -- $there
    else
        command gitslices "$@"
    fi
}

function _gitslices {
    local kind value about line="gitslices ${(j: :)words[2,CURRENT]}"
    # Of zsh's own words the first is the command that was typed: gs has one more.
    [[ $words[1] == gs ]] && line="gs ${(j: :)words[2,CURRENT]}"
    local -a plain described
    while IFS=$'\t' read -r kind value about; do
        case $kind in
            '') ;;
            file) _files ;;
            dir) _files -/ ;;
            *)
                if [[ -n $about ]]; then
                    described+=("${value//:/\\:}:$about")
                else
                    plain+=("$value")
                fi
                ;;
        esac
    done < <(GITSLICES_LINE=$line _GITSLICES_COMPLETE=line_complete command gitslices 2>/dev/null)
    (( $#described )) && _describe -V gitslices described
    (( $#plain )) && compadd -V gitslices -a plain
    return 0
}

# What zsh's completion of git asks for `git slices`.
function _git-slices { _gitslices }
zstyle -g __gitslices_commands ':completion:*:*:git:*' user-commands
zstyle ':completion:*:*:git:*' user-commands $__gitslices_commands \
    'slices:plan parallel work and give every slice its worktree'
unset __gitslices_commands

(( $+functions[compdef] )) && compdef _gitslices gitslices git-slices gs
