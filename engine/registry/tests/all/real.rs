//! Against the registry that Debian ships.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use runwright_model::digest::Digest;
use runwright_registry::{Demand, Error, KeySource, PrivateKey, Registry, Settings, Trust};

use crate::{component, facts, reference, registry, server::RealRegistry};

fn started(users: Option<&Path>) -> Option<RealRegistry> {
    let started = RealRegistry::start(users);
    if started.is_none() {
        eprintln!("skipped: docker-registry is not installed (apt-get install docker-registry)");
    }
    started
}

/// Where no network is, with what was carried there.
fn offline(folder: &Path, disk: PathBuf) -> Registry {
    let settings = Settings {
        offline: true,
        from: vec![disk],
        ..Settings::default()
    };
    registry(&folder.join("far"), settings)
}

fn demanding(key: &PrivateKey) -> Trust {
    let keys = BTreeMap::from([("release".to_owned(), KeySource::Pem(key.public().to_pem()))]);
    let demand = Demand {
        action: "acme:*".into(),
        by: vec!["release".into()],
        min_version: None,
        allow_downgrade: false,
    };
    Trust::default().with(Path::new("/p.toml"), keys, vec![demand]).unwrap()
}

#[tokio::test]
async fn a_component_goes_there_and_comes_back_and_stays() {
    let Some(server) = started(None) else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = reference(&format!("{}/acme/drain:1.0.0", server.host));
    let author = registry(here.path(), Settings::default());
    let pushed = author.push(&name, component(), &facts("1.0.0"), None).await.unwrap();
    assert_eq!(pushed.digest, Digest::of(&component()));
    let again = author.push(&name, component(), &facts("1.0.0"), None).await.unwrap();
    assert_eq!(again, pushed, "pushing twice changes nothing");

    let user = registry(there.path(), Settings::default());
    assert_eq!(user.resolve(&name).await.unwrap(), pushed.digest);
    let pulled = user.pull(&name, Some(pushed.digest)).await.unwrap();
    assert_eq!(pulled.component, component());
    assert_eq!(pulled.manifest, pushed.manifest);
    assert!(pulled.proofs.is_empty());
    let by_manifest = reference(&format!("{}@{}", name.place(), pushed.manifest));
    assert_eq!(user.pull(&by_manifest, None).await.unwrap().digest, pushed.digest);

    // A tag that means something else now is no way to another component.
    author
        .push(&name, b"\0asm another"[..].into(), &facts("1.0.1"), None)
        .await
        .unwrap();
    drop(server);
    assert_eq!(
        user.pull(&name, Some(pushed.digest)).await.unwrap().component,
        component()
    );
    let other = registry(&there.path().join("other"), Settings::default());
    let gone = other.pull(&name, Some(pushed.digest)).await.unwrap_err();
    assert_eq!(gone.code(), "RW-P102", "{gone}");

    // Carried on a disk to where no network is.
    let disk = there.path().join("disk");
    user.copy_to(&disk, &name, &pulled).unwrap();
    let far = offline(there.path(), disk);
    assert_eq!(far.resolve(&name).await.unwrap(), pushed.digest);
    assert_eq!(
        far.pull(&name, Some(pushed.digest)).await.unwrap().component,
        component()
    );
    let unknown = far.pull(&reference("registry.example/x:1"), None).await.unwrap_err();
    assert_eq!(unknown.code(), "RW-P111", "{unknown}");
}

#[tokio::test]
async fn a_tag_that_moved_is_noticed() {
    let Some(server) = started(None) else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = reference(&format!("{}/acme/drain:latest", server.host));
    let author = registry(here.path(), Settings::default());
    let first = author.push(&name, component(), &facts("1.0.0"), None).await.unwrap();
    author
        .push(&name, b"\0asm another"[..].into(), &facts("1.0.1"), None)
        .await
        .unwrap();
    let user = registry(there.path(), Settings::default());
    let error = user.pull(&name, Some(first.digest)).await.unwrap_err();
    assert!(
        matches!(error, Error::WrongDigest { wanted, .. } if wanted == first.digest),
        "{error}"
    );
    assert_ne!(user.pull(&name, None).await.unwrap().digest, first.digest);
}

#[tokio::test]
async fn what_was_damaged_in_the_registry_is_not_taken() {
    let Some(server) = started(None) else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = reference(&format!("{}/acme/drain:1.0.0", server.host));
    let pushed = registry(here.path(), Settings::default())
        .push(&name, component(), &facts("1.0.0"), None)
        .await
        .unwrap();
    let mut tampered = component().to_vec();
    tampered[1000] ^= 1;
    fs::write(server.blob(&pushed.digest.to_string()), tampered).unwrap();
    let user = registry(there.path(), Settings::default());
    let error = user.pull(&name, Some(pushed.digest)).await.unwrap_err();
    assert_eq!(error.code(), "RW-P106", "{error}");
    assert!(user.proofs(&pushed.digest).unwrap().is_empty());
}

#[tokio::test]
async fn signatures_travel_with_the_component() {
    let Some(server) = started(None) else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = reference(&format!("{}/acme/drain:1.0.0", server.host));
    let (release, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let trust = demanding(&release);
    let author = registry(here.path(), Settings::default());
    let pushed = author
        .push(&name, component(), &facts("1.0.0"), Some(&other))
        .await
        .unwrap();
    let user = registry(&there.path().join("a"), Settings::default());
    let pulled = user.pull(&name, Some(pushed.digest)).await.unwrap();
    let refused = trust
        .check("acme:drain", &pulled.component, &pulled.proofs)
        .unwrap_err();
    assert_eq!(refused.code(), "RW-P114", "{refused}");

    // A second signature stands beside the first.
    author.sign(&name, &release).await.unwrap();
    let user = registry(&there.path().join("b"), Settings::default());
    let pulled = user.pull(&name, Some(pushed.digest)).await.unwrap();
    assert_eq!(pulled.proofs.len(), 2);
    trust.check("acme:drain", &pulled.component, &pulled.proofs).unwrap();
    assert_eq!(trust.signers(&pulled.component, &pulled.proofs), ["release"]);
    assert_eq!(
        user.proofs(&pushed.digest).unwrap(),
        pulled.proofs,
        "they are in the cache"
    );

    // Offline as well.
    let disk = there.path().join("disk");
    user.copy_to(&disk, &name, &pulled).unwrap();
    let far = offline(there.path(), disk);
    let carried = far.pull(&name, Some(pushed.digest)).await.unwrap();
    trust.check("acme:drain", &carried.component, &carried.proofs).unwrap();

    // The signatures of one component, put beside another.
    let evil = reference(&format!("{}/acme/drain:2.0.0", server.host));
    let two = author
        .push(&evil, b"\0asm evil"[..].into(), &facts("2.0.0"), None)
        .await
        .unwrap();
    move_signatures(&server, &pushed.manifest, &two.manifest);
    let pulled = user.pull(&evil, None).await.unwrap();
    let refused = trust
        .check("acme:drain", &pulled.component, &pulled.proofs)
        .unwrap_err();
    assert_eq!(refused.code(), "RW-P115", "{refused}");
}

/// As somebody would who owns the registry and no key.
fn move_signatures(server: &RealRegistry, from: &Digest, to: &Digest) {
    let at = |digest: &Digest| {
        format!(
            "http://{}/v2/acme/drain/manifests/sha256-{}.sig",
            server.host,
            digest.to_hex()
        )
    };
    let media = "application/vnd.oci.image.manifest.v1+json";
    let get = Command::new("curl")
        .args(["-sf", "-H", &format!("Accept: {media}"), &at(from)])
        .output();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("manifest");
    fs::write(&file, get.unwrap().stdout).unwrap();
    let put = Command::new("curl")
        .args([
            "-sf",
            "-X",
            "PUT",
            "-H",
            &format!("Content-Type: {media}"),
            "--data-binary",
        ])
        .arg(format!("@{}", file.display()))
        .arg(at(to))
        .status();
    assert!(put.unwrap().success());
}

#[tokio::test]
async fn who_has_no_login_is_told_so_and_who_has_one_gets_in() {
    // `kim` with the password `secret`, as `htpasswd -B` writes it.
    const USERS: &str = "kim:$2y$05$D3UG037U1l8E7ov3C2Txl.K8SRt4g.a5N82fcDJwaMki8OBSyLXYS\n";
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    fs::write(&users, USERS).unwrap();
    let Some(server) = started(Some(&users)) else { return };
    let name = reference(&format!("{}/acme/drain:1.0.0", server.host));
    let nobody = registry(&folder.path().join("nobody"), Settings::default());
    let refused = nobody
        .push(&name, component(), &facts("1.0.0"), None)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "RW-P104", "{refused}");
    assert!(refused.to_string().contains("docker login"), "{refused}");

    let login = |password: &str| {
        let file = folder.path().join(format!("{password}.json"));
        let auth = STANDARD.encode(format!("kim:{password}"));
        fs::write(
            &file,
            format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, server.host),
        )
        .unwrap();
        Settings {
            logins: Some(file),
            ..Settings::default()
        }
    };
    let wrong = registry(&folder.path().join("wrong"), login("guess"));
    let refused = wrong.pull(&name, None).await.unwrap_err();
    assert_eq!(refused.code(), "RW-P104", "{refused}");
    assert!(refused.to_string().contains("`kim`") && !refused.to_string().contains("guess"));
    let kim = registry(&folder.path().join("kim"), login("secret"));
    kim.push(&name, component(), &facts("1.0.0"), None).await.unwrap();
    assert_eq!(kim.pull(&name, None).await.unwrap().component, component());
}

/// `skopeo` copies our artifact into a folder of its own, and its signatures; `openssl` checks those, as `cosign` does.
#[tokio::test]
async fn other_tools_read_it_and_check_the_signature() {
    let Some(server) = started(None) else { return };
    if Command::new("skopeo").arg("--version").output().is_err() {
        eprintln!("skipped: skopeo is not installed (apt-get install skopeo)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = reference(&format!("{}/acme/drain:1.0.0", server.host));
    let release = PrivateKey::generate().unwrap();
    let pushed = registry(folder.path(), Settings::default())
        .push(&name, component(), &facts("1.0.0"), Some(&release))
        .await
        .unwrap();
    let (_, public) = release.write(&folder.path().join("release")).unwrap();
    let disk = folder.path().join("disk");
    let signatures = format!("{}:sha256-{}.sig", name.place(), pushed.manifest.to_hex());
    for name in [&name.to_string(), &signatures] {
        let copied = Command::new("skopeo")
            .args(["--insecure-policy", "copy", "--src-tls-verify=false"])
            .arg(format!("docker://{name}"))
            .arg(format!("oci:{}:{name}", disk.display()))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    }
    let inspected = Command::new("skopeo")
        .args(["inspect", "--raw", &format!("oci:{}:{signatures}", disk.display())])
        .output()
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let layer = &manifest["layers"][0];
    let signature = layer["annotations"]["dev.cosignproject.cosign/signature"]
        .as_str()
        .unwrap();
    let payload = disk
        .join("blobs/sha256")
        .join(layer["digest"].as_str().unwrap().trim_start_matches("sha256:"));
    let raw = folder.path().join("raw");
    fs::write(&raw, STANDARD.decode(signature).unwrap()).unwrap();
    openssl_verifies(&public, &raw, &payload);
    let claimed: serde_json::Value = serde_json::from_slice(&fs::read(&payload).unwrap()).unwrap();
    assert_eq!(
        claimed["critical"],
        serde_json::json!({
            "identity": {"docker-reference": name.place()},
            "image": {"docker-manifest-digest": pushed.manifest.to_string()},
            "type": "cosign container image signature",
        })
    );

    // What it wrote is a folder of ours.
    let offline = Settings {
        offline: true,
        from: vec![disk],
        ..Settings::default()
    };
    let far = registry(&folder.path().join("far"), offline);
    let pulled = far.pull(&name, Some(pushed.digest)).await.unwrap();
    assert_eq!(pulled.component, component());
    demanding(&release)
        .check("acme:drain", &pulled.component, &pulled.proofs)
        .unwrap();
}

fn openssl_verifies(public: &Path, signature: &Path, of: &Path) {
    let verified = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"])
        .arg(public)
        .arg("-sigfile")
        .arg(signature)
        .arg("-in")
        .arg(of)
        .output()
        .unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}

/// `openssl` checks a signature beside a file, as `cosign verify-blob` does.
#[tokio::test]
async fn openssl_checks_signatures_of_files() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = PrivateKey::generate().unwrap();
    let (secret, public) = key.write(&folder.path().join("release")).unwrap();
    let file = folder.path().join("drain.wasm");
    fs::write(&file, component()).unwrap();
    let signature = runwright_registry::signature::sign_file(&file, &key, u64::MAX).unwrap();
    let raw = folder.path().join("raw");
    fs::write(
        &raw,
        STANDARD.decode(fs::read_to_string(&signature).unwrap().trim()).unwrap(),
    )
    .unwrap();
    openssl_verifies(&public, &raw, &file);
    // And ours checks theirs, made with our key.
    let theirs = folder.path().join("theirs");
    let signed = Command::new("openssl")
        .args(["pkeyutl", "-sign", "-rawin", "-inkey"])
        .arg(&secret)
        .arg("-in")
        .arg(&file)
        .arg("-out")
        .arg(&theirs)
        .status()
        .unwrap();
    assert!(signed.success());
    assert!(
        key.public()
            .verifies(&component(), &STANDARD.encode(fs::read(&theirs).unwrap()))
    );
}
