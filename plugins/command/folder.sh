# The folder of the document belongs to this user alone, or nothing is put there.
own_folder() {
    mkdir -m 700 "$DOWNLOADS" 2> /dev/null && return
    [ -d "$DOWNLOADS" ] && [ -O "$DOWNLOADS" ] && [ ! -L "$DOWNLOADS" ] && return
    echo "$DOWNLOADS is not a folder of this user alone" >&2
    exit 1
}
# A file goes into a folder that is there, or is named with a slash at its end; else it gets the name.
put_file() {
    target=$DESTINATION
    case $target in */) mkdir -p "$target" ;; esac
    [ ! -d "$target" ] || target="${target%/}/$2"
    mkdir -p "$(dirname "$target")"
    cp "$1" "$target"
    echo "downloaded $target"
}
