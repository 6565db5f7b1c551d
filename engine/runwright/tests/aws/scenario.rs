//! Scenarios (`runwright test`) of steps that act on AWS: the real component over mocked operations, and no account.

use std::path::Path;

use runwright::Library;

#[tokio::test]
async fn operations_are_answered_as_their_apis_describe_them() {
    let Some(plugins) = std::env::var_os("RUNWRIGHT_TEST_PLUGINS") else {
        println!("skipped: `cargo xtask aws` has what this needs");
        return;
    };
    let state = crate::state();
    let library = Library::open(state.path().to_owned(), Vec::new()).unwrap();
    let library = library.with_plugins(vec![plugins.into()]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/scenario");
    for name in ["stop.test.yaml", "function.test.yaml", "unfinished.test.yaml"] {
        let report = library.test(&folder.join(name), None).await.unwrap();
        assert!(report.ok, "{report:#?}");
        assert_eq!(report.coverage.missed, [""; 0]);
    }
}
