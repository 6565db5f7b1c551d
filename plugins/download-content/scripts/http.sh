# Fetches what standard input tells curl to DESTINATION. NAME is the file's, in a folder.
set -eu
own_folder
command -v curl > /dev/null || { echo "there is no curl here: install it" >&2; exit 1; }
work=$(mktemp -d "$DOWNLOADS/.http-XXXXXX")
trap 'rm -rf "$work"' EXIT
curl --config - --fail --silent --show-error --location --max-redirs 10 --output "$work/file"
put_file "$work/file" "$NAME"
