//! The program `integrasjonspunkt` as it is shipped, built with the tests of this package so that they find it beside their own.

fn main() -> std::process::ExitCode {
    integrasjonspunkt::cli::main()
}
