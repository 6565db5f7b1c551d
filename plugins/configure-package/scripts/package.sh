# Installs or removes a package. FOLDER is the package's; .installed in it holds what is installed, and the scripts that
# remove it again. ZIP, SHA256 and VERSION are those of the version to install.
set -eu
state="$FOLDER/.installed"
current=''
[ ! -f "$state/version" ] || current=$(cat "$state/version")
# The script of a version; without one there is nothing to do.
run() {
    [ -f "$state/$1/$2.sh" ] || { echo "$1 has no $2.sh"; return 0; }
    code=0
    (cd "$state/$1" && sh "./$2.sh") || code=$?
    [ "$code" -eq 0 ] || exit "$code"
}
unpack() {
    echo "$SHA256  $ZIP" | sha256sum --check --status 2> /dev/null ||
        { echo "$ZIP has another SHA-256 than its manifest says" >&2; exit 1; }
    rm -rf "$state/$VERSION"
    mkdir -p "$state/$VERSION"
    if command -v unzip > /dev/null; then
        unzip -q -o "$ZIP" -d "$state/$VERSION"
    elif command -v python3 > /dev/null; then
        python3 -m zipfile -e "$ZIP" "$state/$VERSION"
    else
        echo "there is neither unzip nor python3 here: install one" >&2
        exit 1
    fi
}
installed() {
    printf '%s\n' "$VERSION" > "$state/version.new"
    mv "$state/version.new" "$state/version"
    echo "installed $NAME $VERSION"
}
case $ACTION in
Install)
    [ "$current" != "$VERSION" ] || { echo "$NAME $VERSION is installed already"; exit 0; }
    unpack
    if [ -n "$current" ] && [ "$MODE" = 'In-place update' ]; then
        run "$VERSION" update
    else
        [ -z "$current" ] || { run "$current" uninstall; rm -f "$state/version"; }
        run "$VERSION" install
    fi
    installed
    [ -z "$current" ] || rm -rf "${state:?}/$current"
    ;;
Uninstall)
    [ -n "$current" ] || { echo "$NAME is not installed"; exit 0; }
    [ -z "$VERSION" ] || [ "$VERSION" = "$current" ] || { echo "$NAME $VERSION is not installed, but $current"; exit 0; }
    run "$current" uninstall
    rm -rf "$state"
    echo "removed $NAME $current"
    ;;
esac
