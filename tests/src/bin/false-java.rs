//! Pretends to be `java`: says a version when asked, and runs a false integration point for `-jar`.
//!
//! The version comes from `FALSE_JAVA_VERSION`, else from the file `version` beside the program.

use kosmos::demo::integration_point::{as_java, false_java_version};

fn main() {
    let mut arguments = std::env::args_os();
    let program = arguments.next();
    let arguments: Vec<_> = arguments.collect();
    std::process::exit(as_java(&arguments, &false_java_version(program.as_deref())));
}
