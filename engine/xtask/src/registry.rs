//! A registry on this machine, for the path of somebody who hands a plugin on.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;

use crate::say;

/// How long it may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Debian's registry, while this lives.
pub(crate) struct Registry {
    process: Child,
    /// Host and port.
    pub(crate) host: String,
}

impl Registry {
    /// Starts one that keeps what it is given in this folder; none where it is not installed.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let config = folder.join("config.yml");
        let store = folder.join("store");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '{host}'}}\n",
            store.display()
        );
        fs::write(&config, text)?;
        let mut command = Command::new("docker-registry");
        let command = command.arg("serve").arg(&config);
        let Ok(process) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            say("skipped: push, pull and verify need docker-registry (Debian: apt-get install docker-registry)");
            return Ok(None);
        };
        let mut registry = Self { process, host };
        let began = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            if registry.process.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                bail!("docker-registry does not listen on {}", registry.host);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(registry))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
