//! Who calls: the name that approvals and journals carry.
//!
//! It comes from the real user id, never from the environment, because approvals are decided by it. Under
//! `sudo` that is root: whoever wants to act as themselves does not use sudo.

use std::{fs, process::Command};

/// The name of the user this process belongs to; `uid-N` when the system has none for them.
#[must_use]
pub fn name() -> String {
    name_of(rustix::process::getuid().as_raw())
}

/// The name of the user with this id, in the same way. Blocks, if only for a file.
#[must_use]
pub(crate) fn name_of(uid: u32) -> String {
    from_passwd(uid)
        .or_else(|| from_directory(uid))
        .unwrap_or_else(|| format!("uid-{uid}"))
}

fn from_passwd(uid: u32) -> Option<String> {
    find(&fs::read_to_string("/etc/passwd").ok()?, uid)
}

/// Users of a directory service are not in the file, but `id` asks whatever the system is set up to ask.
fn from_directory(uid: u32) -> Option<String> {
    let answer = Command::new("/usr/bin/id")
        .args(["-un", "--"])
        .arg(uid.to_string())
        .output()
        .ok()?;
    let name = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    (answer.status.success() && !name.is_empty()).then_some(name)
}

fn find(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(find(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(find(passwd, 0).as_deref(), Some("root"));
        assert_eq!(find(passwd, 100), None);
    }
}
