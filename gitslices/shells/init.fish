# gitslices for fish: put this into ~/.config/fish/config.fish
#   gitslices shell-init fish | source

# gs cd SLICE goes to the slice's worktree; anything else is gitslices.
function gs
    if test "$argv[1]" = cd
        set -l there (command gitslices path $argv[2..-1]); and cd -- $there
    else
        command gitslices $argv
    end
end

function __gitslices_offer --argument-names line
    test -n "$line"; or set line (commandline -cp | string collect)
    env GITSLICES_LINE="$line" _GITSLICES_COMPLETE=line_complete gitslices 2>/dev/null | while read -l entry
        set -l parts (string split \t -- $entry)
        switch $parts[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case plain
                printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
    end
end

# The words behind `git slices`, up to the cursor.
function __gitslices_behind_git
    set -l words (commandline -opc)
    set -l at (contains --index -- slices $words); or return 1
    test $at = 2; or string match -q -- '-*' $words[2]; or return 1
    set -e words[1..$at]
    string join ' ' -- gitslices $words (commandline -ct | string collect --allow-empty)
end

for name in gitslices git-slices gs
    complete -c $name -f -k -a '(__gitslices_offer)'
end
complete -c git -f -k -n __gitslices_behind_git \
    -a '(__gitslices_offer (__gitslices_behind_git | string collect))'
