//! Pretends to be a native integration point: the false one, which behaves as the archive beside it tells it to.

use kosmos::demo::integration_point::as_program;

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let archive = beside.into_iter().flatten().flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("integrasjonspunkt-") && path.extension().is_some_and(|ending| ending == "zip")
    });
    let Some(archive) = archive else {
        println!("Error: no archive lies beside {}", own.display());
        std::process::exit(1);
    };
    std::process::exit(as_program(&archive, &arguments));
}
