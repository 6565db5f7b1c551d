//! The bindings of Go and C in `sdk/` are what their generators make of `wit/`. `UPDATE_GOLDEN=1` writes them again.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use wit_bindgen_core::{Files, WorldGenerator};

type Texts = BTreeMap<String, String>;

fn generate(mut generator: Box<dyn WorldGenerator>) -> Texts {
    let (mut resolve, world) = runwright_component::contract();
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .expect("the generator knows all of the contract");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("generated files are text");
    files
        .iter()
        .map(|(name, bytes)| (name.to_owned(), text(bytes)))
        .collect()
}

fn compare(folder: &str, wanted: &Texts) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk").join(folder);
    for (name, text) in wanted {
        let path = folder.join(name);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(&path, text).expect("a file can be written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let what = path.display();
        assert!(
            kept == *text,
            "{what} is not what wit/ says now: run this test with UPDATE_GOLDEN=1"
        );
    }
}

#[test]
fn the_bindings_of_go_are_fresh() {
    let options = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        pkg_name: Some("runwright/internal/bindings".into()),
        ..wit_bindgen_go::Opts::default()
    };
    // The packages they stand on are copied beside them, so that a project needs nothing from a module proxy.
    let at_home = |text: String| text.replace("go.bytecodealliance.org/pkg/wit/", "runwright/internal/wit/");
    let files = generate(options.build());
    let files = files.into_iter().map(|(name, text)| (name, at_home(text))).collect();
    compare("go/lib/internal/bindings", &files);
}

#[test]
fn the_bindings_of_c_are_fresh() {
    let options = wit_bindgen_c::Opts {
        no_object_file: true,
        ..wit_bindgen_c::Opts::default()
    };
    compare("c/lib/bindings", &generate(options.build()));
}
