//! `encode MODULE COMPONENT`: makes a component by hand, for looking at one.

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let [module, component] = paths.as_slice() else {
        return Err("usage: encode MODULE COMPONENT".into());
    };
    fs::write(component, runwright_component::encode(&fs::read(module)?)?)?;
    Ok(())
}
