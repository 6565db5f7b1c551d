# Clones REPOSITORY and puts PATH of it (all of it when empty) to DESTINATION.
set -eu
own_folder
work=$(mktemp -d "$DOWNLOADS/.git-XXXXXX")
trap 'rm -rf "$work"' EXIT
export GIT_TERMINAL_PROMPT=0
if [ -n "${GIT_SECRET:-}${GIT_USER:-}" ]; then
    printf '%s\n' '#!/bin/sh' 'case $1 in Username*) printf %s "$GIT_USER" ;; *) printf %s "$GIT_SECRET" ;; esac' > "$work/ask"
    chmod 700 "$work/ask"
    export GIT_ASKPASS="$work/ask"
fi
if [ -n "${SSH_KEY:-}" ]; then
    (umask 077 && printf '%s\n' "$SSH_KEY" > "$work/key")
    GIT_SSH_COMMAND="ssh -i $work/key -o IdentitiesOnly=yes -o BatchMode=yes"
    [ "${SKIP_HOST_KEY:-}" != true ] || GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    export GIT_SSH_COMMAND
fi
if [ -n "$COMMIT" ]; then
    git clone --quiet -- "$REPOSITORY" "$work/clone"
    git -C "$work/clone" checkout --quiet --detach "$COMMIT" --
elif [ -n "$BRANCH" ]; then
    git clone --quiet --depth 1 --branch "$BRANCH" -- "$REPOSITORY" "$work/clone"
else
    git clone --quiet --depth 1 -- "$REPOSITORY" "$work/clone"
fi
found="$work/clone${SUBPATH:+/$SUBPATH}"
if [ -d "$found" ]; then
    [ -z "$SUBPATH" ] || rm -rf "$found/.git"
    mkdir -p "$DESTINATION"
    cp -R "$found/." "$DESTINATION"
    echo "downloaded the folder to $DESTINATION"
elif [ -f "$found" ]; then
    put_file "$found" "$(basename "$found")"
else
    echo "the repository has no $SUBPATH" >&2
    exit 1
fi
