//! The supervisor as a program of this package, so that tests here can start it.

fn main() -> std::process::ExitCode {
    kosmos::cli::main()
}
