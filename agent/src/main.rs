//! The program `integrasjonspunkt`: hands over to `cli`.

fn main() -> std::process::ExitCode {
    integrasjonspunkt::cli::main()
}
