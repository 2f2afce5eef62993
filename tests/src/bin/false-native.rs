//! Pretends to be a native integration point: the false one, which behaves as the archive beside it tells it to.

use kosmos::demo::integration_point::as_program;
use outside_world::beside;

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let own = std::env::current_exe().unwrap_or_default();
    let Some(archive) = own.parent().and_then(|folder| beside::archive(folder).ok().flatten()) else {
        println!("Error: no archive lies beside {}", own.display());
        std::process::exit(1);
    };
    std::process::exit(as_program(&archive, &arguments));
}
