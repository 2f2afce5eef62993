//! Arguments as Spring takes them: `--key=value` and `-Dkey=value` are settings, wherever they stand.

/// Arguments that are settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Name and value, in order.
    pub settings: Vec<(String, String)>,
}

/// Splits what stands on the command line into words of ours and settings. `--debug` is a setting without a value.
pub fn split(arguments: impl IntoIterator<Item = String>) -> (Vec<String>, Arguments) {
    const OURS: [&str; 3] = ["--help", "--version", "--once"];
    let (mut words, mut settings) = (Vec::new(), Vec::new());
    for argument in arguments {
        let setting = match argument.strip_prefix("--") {
            Some(setting) if !OURS.contains(&argument.as_str()) => Some(setting),
            _ => argument.strip_prefix("-D"),
        };
        match setting {
            Some(setting) => {
                let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
                settings.push((name.to_owned(), value.to_owned()));
            }
            None => words.push(argument),
        }
    }
    (words, Arguments { settings })
}
