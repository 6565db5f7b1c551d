//! What a written grant covers: texts with `*`, addresses, paths.

/// Whether `text` fits a pattern in which `*` stands for any run of characters.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    // The shortest match of each part is enough: what it leaves is as long as can be.
    match rest.split_once('*') {
        None => text.ends_with(rest),
        Some((part, _)) => text
            .find(part)
            .is_some_and(|at| matches(&rest[part.len()..], &text[at + part.len()..])),
    }
}

/// Whether an address fits a pattern. A `*` for a host stays in the host: `https://*.example.com/*` is not
/// `https://evil.example/x.example.com/`.
pub(crate) fn matches_address(pattern: &str, url: &str) -> bool {
    let Some((scheme, pattern)) = pattern.split_once("://") else {
        return matches(pattern, url);
    };
    let Some((url_scheme, url)) = url.split_once("://") else {
        return false;
    };
    let ((host, path), (url_host, url_path)) = (split_host(pattern), split_host(url));
    // A pattern without a path that ends in `*` means every path.
    let path = if path.is_empty() && host.ends_with('*') {
        "*"
    } else {
        path
    };
    matches(scheme, url_scheme) && matches(host, url_host) && matches(path, url_path)
}

fn split_host(address: &str) -> (&str, &str) {
    address.split_at(address.find(['/', '?', '#', '\\']).unwrap_or(address.len()))
}

/// Whether a granted folder or file covers a path. Both are absolute; a path with `.` or `..` parts is
/// covered by nothing.
pub(crate) fn covers(root: &str, path: &str) -> bool {
    let clean = |p: &str| p.starts_with('/') && !p.split('/').any(|part| part == ".." || part == ".");
    let root = root.trim_end_matches('/');
    clean(path)
        && (root.is_empty()
            || path
                .strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("a*c*e", "abcde"));
        assert!(matches("*", ""));
        assert!(matches("/app/*", "/app/x/y"));
        assert!(!matches("/app/*", "/ap"));
        assert!(!matches("a", "ab"));
        assert!(!matches("a*b", "a"));
        assert!(!matches("ab*b", "ab"));
        assert!(matches("*.example.com", "x.example.com"));
    }

    #[test]
    fn paths_do_not_leave_their_folder() {
        assert!(covers("/etc", "/etc/passwd"));
        assert!(covers("/", "/etc"));
        assert!(covers("/etc/", "/etc"));
        assert!(!covers("/etc", "/etcetera"));
        assert!(!covers("/etc", "/etc/../root"));
        assert!(!covers("/", "relative"));
    }

    #[test]
    fn a_star_for_a_host_stays_in_the_host() {
        let good = "https://*.example.com/*";
        assert!(matches_address(good, "https://x.example.com/a/b?c"));
        for bad in [
            "https://evil.org/x.example.com/",
            "https://evil.org?x.example.com/",
            "https://evil.org\\.example.com/",
        ] {
            assert!(!matches_address(good, bad), "{bad}");
        }
        assert!(matches_address("*", "https://x/y"));
        assert!(matches_address("tcp://db:5432", "tcp://db:5432"));
        assert!(matches_address("http://x*", "http://x:80/y"));
        assert!(!matches_address("http://x/*", "https://x/"));
        assert!(!matches_address("http://x/*", "x"));
    }
}
