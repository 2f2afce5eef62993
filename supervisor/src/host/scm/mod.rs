//! The service as Windows' service control is to know it: its definition, who it is, what it may touch, and which
//! service of old it takes the place of. Pure, and the same on every system, so that it can be read and tested anywhere;
//! `system::service` on Windows does what is said here.
//!
//! Start at [`PRODUCT`]. How a service is defined is `efm::service`, which the integration point has too.

pub mod plan;
pub mod sddl;
pub mod winsw;

use std::path::PathBuf;

use efm::service::Product;
pub use efm::service::{Account, Definition, Start, words_of};

/// Its name, and the one of its virtual account.
pub const NAME: &str = "kosmos";
/// Its name where a service of another program has the first one already.
pub const OTHER_NAME: &str = "kosmos-supervisor";
/// The folder that KOSMOS' guide names.
pub const HOME_OF_OLD: &str = r"C:\integrasjonspunkt";

/// Us, in the list of services.
pub const PRODUCT: Product = Product {
    name: NAME,
    display_name: "kosmos (eFormidling integrasjonspunkt)",
    description: "Keeps the eFormidling integrasjonspunkt running and on its newest verified release.",
    before_home: &["--service", "--home"],
    after_home: &["run"],
};

/// The program and the home folder in a command line of ours; none: it is not ours.
pub fn ours(command_line: &str) -> Option<(PathBuf, PathBuf)> {
    PRODUCT.of(command_line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn definition() -> Definition {
        Definition {
            product: &PRODUCT,
            name: NAME.to_owned(),
            program: r"C:\Program Files\kosmos\kosmos.exe".into(),
            home: r"D:\eFormidling æøå\integrasjonspunkt".into(),
            account: Account::Virtual,
            start: Start::Delayed,
            preshutdown: Duration::from_secs(150),
        }
    }

    #[test]
    fn the_definition_reads_as_it_is_told() {
        insta::assert_snapshot!(definition());
    }

    #[test]
    fn our_own_command_line_is_known_again_and_no_other() {
        let whole = definition();
        assert_eq!(ours(&whole.command_line()), Some((whole.program, whole.home)));
        assert_eq!(
            ours(r"C:\k\kosmos.exe --service --home C:\i run"),
            Some((r"C:\k\kosmos.exe".into(), r"C:\i".into()))
        );
        for other in
            [r"C:\integrasjonspunkt\kosmos.exe", r#""C:\k\kosmos.exe" --home "C:\i" run"#, "", "\"", r"C:\x y\svc.exe"]
        {
            assert_eq!(ours(other), None, "{other}");
        }
    }
}
