//! The program `kosmos`: hands over to `cli` and turns its answer into an exit code.
//!
//! Called by the name of the demo's JVM it is that false JVM: the demo needs a child process, and has one file.

use kosmos::demo;

fn main() -> std::process::ExitCode {
    match demo::as_false_java() {
        Some(exit) => exit,
        None => kosmos::cli::main(),
    }
}
