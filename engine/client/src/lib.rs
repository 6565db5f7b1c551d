//! The HTTP client of the backends: one TLS for whatever leaves this machine. Not public: for `local` and `aws`.
//!
//! ```
//! let client = runwright_client::client()?;
//! assert!(client.get("http://localhost/").build().is_ok());
//! # Ok::<(), String>(())
//! ```
//!
//! # What this crate does not do
//!
//! It sends nothing by itself, follows no redirect and knows no grant: both are asked about each hop by whoever sends.

use std::{error::Error, sync::Once, time::Duration};

use reqwest::{Client, redirect::Policy};

/// How long a connection may take to come about.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client with the machine's certificate authorities. No proxy, and no redirects: a grant, and a signature, is for one
/// host.
///
/// # Errors
///
/// A text that says what the machine lacks.
pub fn client() -> Result<Client, String> {
    static PROVIDER: Once = Once::new();
    // An error says that the process has one already.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("runwright/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error))
}

/// The messages of an error's sources, or its own: the first of an HTTP error repeats the address.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = sources(error).map(ToString::to_string).collect();
    if texts.is_empty() {
        error.to_string()
    } else {
        texts.join(": ")
    }
}

/// What an error comes from, one after another.
pub fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |source| (*source).source())
}
