# Writes what this machine has to inventory.json in the folder of the document: a map of types to lists of items.
# WANTED names the types; FILES has a line of path, depth and pattern (with tabs between) for each filter of files; standard
# input holds further types, as JSON that ends in a comma.
set -eu
own_folder
tab=$(printf '\t')
out="$DOWNLOADS/inventory.json"
# Lines of values with tabs between become items with these names.
items() {
    tr -d '\000-\010\013-\037' | awk -F '\t' -v names="$*" '
        BEGIN { count = split(names, name, " ") }
        { line = ""
          for (i = 1; i <= count; i++) {
              value = $i
              gsub(/\\/, "\\\\", value); gsub(/"/, "\\\"", value)
              if (value != "") line = line (line == "" ? "" : ",") "\"" name[i] "\":\"" value "\""
          }
          printf "%s{%s}", (NR > 1 ? ",\n" : ""), line }'
}
applications() {
    if command -v dpkg-query > /dev/null; then
        dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t${Maintainer}\t${Homepage}\t${binary:Summary}\t${db:Status-Abbrev}\n' |
            awk -F '\t' '$NF ~ /^ii/'
    elif command -v rpm > /dev/null; then
        rpm --query --all --queryformat '%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{VENDOR}\t%{URL}\t%{SUMMARY}\n'
    elif command -v apk > /dev/null; then
        apk info -v 2> /dev/null | sed 's/-\([0-9][^-]*-r[0-9]*\)$/\t\1/'
    fi | items Name Version Architecture Publisher URL Summary
}
network() {
    for link in /sys/class/net/*; do
        name=${link##*/}
        mac=$(cat "$link/address" 2> /dev/null || true)
        four='' six='' gateway=''
        if command -v ip > /dev/null; then
            four=$(ip -o -4 addr show dev "$name" | awk '{ sub("/.*", "", $4); printf "%s%s", sep, $4; sep = "," }')
            six=$(ip -o -6 addr show dev "$name" | awk '{ sub("/.*", "", $4); printf "%s%s", sep, $4; sep = "," }')
            gateway=$(ip -4 route show default dev "$name" | awk 'NR == 1 { print $3 }')
        fi
        printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$mac" "$four" "$six" "$gateway"
    done | items Name MacAddress IPV4 IPV6 Gateway
}
services() {
    command -v systemctl > /dev/null || return 0
    systemctl list-units --type=service --all --plain --no-legend --no-pager 2> /dev/null |
        awk '{ name = $1; status = $4; $1 = $2 = $3 = $4 = ""; sub(/^ */, ""); printf "%s\t%s\tService\t%s\n", name, $0, status }' |
        items Name DisplayName ServiceType Status
}
details() {
    awk -F ': *' '
        /^model name/ { model = $2 } /^cpu MHz/ { speed = int($2) } /^processor/ { cpus++ }
        /^physical id/ { socket[$2] = 1 } /^cpu cores/ { cores = $2 } /^siblings/ { siblings = $2 }
        END { for (s in socket) sockets++
              if (!sockets) sockets = 1
              printf "%s\t%d\t%d\t%s\t%d\t%s\n", model, cpus, (cores ? cores * sockets : cpus), speed, sockets,
                  (cores && siblings > cores ? "true" : "false") }' /proc/cpuinfo |
        items CPUModel CPUs CPUCores CPUSpeedMHz CPUSockets CPUHyperThreadEnabled
}
machine() {
    name='' version=''
    [ ! -r /etc/os-release ] || { name=$(. /etc/os-release; printf %s "${NAME:-}"); version=$(. /etc/os-release; printf %s "${VERSION_ID:-}"); }
    printf '%s\t%s\t%s\t%s\t%s\n' "$(uname -n)" "$name" "$version" "$(uname -s)" "$(uname -m)" |
        items ComputerName PlatformName PlatformVersion PlatformType Architecture
}
files() {
    printf %s "$FILES" | while IFS=$tab read -r path depth pattern; do
        [ -n "$path" ] || continue
        find "$path" -maxdepth "$depth" -type f -name "$pattern" -exec stat -c "%n$tab%s$tab%y" {} + 2> /dev/null || true
    done | awk -F '\t' '{ folder = $1; sub("/[^/]*$", "", folder); name = $1; sub(".*/", "", name)
        printf "%s\t%s\t%s\t%s\n", name, $2, $3, folder }' | items Name Size ModificationTime InstalledDir
}
{
    printf '{\n"AWS:InstanceInformation": [%s]' "$(machine)"
    for type in $WANTED; do
        case $type in
            AWS:Application) found=$(applications) ;;
            AWS:File) found=$(files) ;;
            AWS:InstanceDetailedInformation) found=$(details) ;;
            AWS:Network) found=$(network) ;;
            AWS:Service) found=$(services) ;;
        esac
        printf ',\n"%s": [%s]' "$type" "$found"
        printf '%s: %s\n' "$type" "$(printf %s "$found" | awk 'NF { count++ } END { print count + 0 }')" >&2
    done
    cat
    printf '\n}\n'
} > "$out.new"
mv "$out.new" "$out"
echo "wrote $out"
