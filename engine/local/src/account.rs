//! Users and groups of this machine, by name or number.

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use runwright_model::capability::Error;
use serde::{Deserialize, Serialize};

/// A user a command runs as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// All groups the user is in.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

impl Account {
    /// The user of this name.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub(crate) fn of_name(name: &str) -> Result<Self, Error> {
        Self::of(user(name)?.ok_or_else(|| unknown("user", name))?)
    }

    /// The user the engine runs as.
    ///
    /// # Errors
    ///
    /// `NotFound` when the user has no entry.
    pub(crate) fn own() -> Result<Self, Error> {
        let uid = Uid::effective();
        Self::of(
            User::from_uid(uid)
                .ok()
                .flatten()
                .ok_or_else(|| unknown("user", &uid.to_string()))?,
        )
    }

    fn of(user: User) -> Result<Self, Error> {
        let failed = |error| Error::Unavailable(format!("the groups of `{}` cannot be read: {error}", user.name));
        let name = std::ffi::CString::new(user.name.as_str()).map_err(|_| unknown("user", &user.name))?;
        let groups = getgrouplist(&name, user.gid).map_err(failed)?;
        Ok(Self {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            groups: groups.into_iter().map(Gid::as_raw).collect(),
            home: user.dir.to_string_lossy().into_owned(),
            name: user.name,
        })
    }
}

/// The number of a user given by name or number.
pub(crate) fn user_number(text: &str) -> Result<u32, Error> {
    match user(text)? {
        Some(user) => Ok(user.uid.as_raw()),
        None => text.parse().map_err(|_| unknown("user", text)),
    }
}

/// The number of a group given by name or number.
pub(crate) fn group_number(text: &str) -> Result<u32, Error> {
    let group = Group::from_name(text).map_err(|error| lookup_failed("group", text, error))?;
    match group {
        Some(group) => Ok(group.gid.as_raw()),
        None => text.parse().map_err(|_| unknown("group", text)),
    }
}

/// The name of a user; its number as text when it has none.
pub(crate) fn user_name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid))
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of a group; its number as text when it has none.
pub(crate) fn group_name(gid: u32) -> String {
    Group::from_gid(Gid::from_raw(gid))
        .ok()
        .flatten()
        .map_or_else(|| gid.to_string(), |group| group.name)
}

fn user(name: &str) -> Result<Option<User>, Error> {
    User::from_name(name).map_err(|error| lookup_failed("user", name, error))
}

fn unknown(what: &str, name: &str) -> Error {
    Error::NotFound(format!("there is no {what} `{name}` on this machine"))
}

fn lookup_failed(what: &str, name: &str, error: nix::Error) -> Error {
    Error::Unavailable(format!("the {what} `{name}` cannot be looked up: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(user_number("root"), Ok(0));
        assert_eq!(user_number("4294000"), Ok(4_294_000));
        assert_eq!((user_name(0), user_name(4_294_000)), ("root".into(), "4294000".into()));
        assert_eq!(group_number(&group_name(0)), Ok(0));
        assert!(matches!(user_number("no such user"), Err(Error::NotFound(_))));
        assert!(matches!(group_number("no such group"), Err(Error::NotFound(_))));
        assert!(Account::of_name("root").unwrap().groups.contains(&0));
    }
}
