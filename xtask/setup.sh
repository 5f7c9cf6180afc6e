# Shared by ./demo and ./test: colours, and Debian packages. Sourced, not run.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' blue=$'\e[36m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' blue='' plain=''
fi

fail() {
    printf '%s\n' "${red}${bold}$1${plain}" >&2
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >&2
    exit 1
}

# Whether a Debian package is here, told by what it brings; so a machine that has it otherwise is left alone.
have() {
    case $1 in
        gcc) command -v gcc >/dev/null && command -v cc >/dev/null ;;
        libc6-dev) [ -e /usr/include/stdio.h ] ;;
        ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] ;;
        # The program: bash has one of its own.
        procps) type -P kill >/dev/null ;;
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
        python3-venv) python_with_venv >/dev/null ;;
        libnss3-dev) [ -e /usr/include/nss/nss.h ] ;;
        libnss3-tools) command -v certutil >/dev/null ;;
        chromium-driver) command -v chromedriver >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# A Python that can make environments. The first in PATH may be somebody's own build without the parts for that.
python_with_venv() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import ensurepip, venv' 2>/dev/null && echo "$python" && return
    done
    return 1
}

# Installs those of the named packages that are missing: as root, else through sudo, else says how and stops.
install_missing() {
    local package missing=()
    for package; do have "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    local install="apt-get install -y --no-install-recommends ${missing[*]}"
    command -v apt-get >/dev/null ||
        fail "These are missing: ${missing[*]}" \
            "Those are Debian's names. Please install them with this system's own package manager, then run $0 again."
    local as=()
    if [ "$(id -u)" -ne 0 ]; then
        # Without a terminal nobody can type a password.
        if command -v sudo >/dev/null && { (: </dev/tty) 2>/dev/null || sudo -n true 2>/dev/null; }; then
            as=(sudo)
        else
            fail "These Debian packages are missing: ${missing[*]}" \
                "Please run this as root, then $0 again:" "" "    apt-get update && $install"
        fi
    fi
    printf '%s\n' "Installing ${missing[*]}"
    # Debian would start a PostgreSQL of its own with the package; the tests start and stop theirs.
    local no_cluster=/etc/postgresql-common/createcluster.d/chancery-test.conf
    local script="set -e; export DEBIAN_FRONTEND=noninteractive
        case '${missing[*]}' in *postgresql*)
            trap 'rm -f $no_cluster' EXIT
            mkdir -p ${no_cluster%/*}
            echo 'create_main_cluster = false' >$no_cluster ;;
        esac
        apt-get update; $install"
    local log
    log=$(mktemp)
    if ! "${as[@]}" sh -c "$script" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        fail "apt-get could not install ${missing[*]}; its words are above."
    fi
    rm -f "$log"
    for package in "${missing[@]}"; do
        have "$package" || fail "$package is installed, and still not found." \
            "Another program of the same name may stand before it in PATH."
    done
}

need_cargo() {
    command -v cargo >/dev/null || { [ -e "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"; } || true
    command -v cargo >/dev/null ||
        fail "There is no cargo in PATH." \
            "Please install Rust ($(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml) or newer), as https://www.rust-lang.org/tools/install describes."
}
