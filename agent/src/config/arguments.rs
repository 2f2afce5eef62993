//! Arguments as Spring takes them: `--key=value` and `-Dkey=value` are settings, wherever they stand.

/// Arguments that are settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Name and value, in order.
    pub settings: Vec<(String, String)>,
}

/// Flags of ours wherever they stand; everything else with two dashes is a setting.
const OURS: [&str; 5] = ["--help", "--version", "--once", "--service", "--home"];
/// Flags of `service`, behind that word alone: they might be settings elsewhere.
const OF_SERVICE: [&str; 4] = ["--name", "--user", "--start", "--dry-run"];
/// Those that have a value, which may be the next word.
const WITH_VALUE: [&str; 4] = ["--home", "--name", "--user", "--start"];

/// Splits what stands on the command line into words of ours and settings. `--debug` is a setting without a value.
pub fn split(arguments: impl IntoIterator<Item = String>) -> (Vec<String>, Arguments) {
    let (mut words, mut settings) = (Vec::new(), Vec::new());
    let mut is_service = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let flag = argument.split_once('=').map_or(argument.as_str(), |(flag, _)| flag);
        let has_value = WITH_VALUE.contains(&flag);
        let is_ours = OURS.contains(&flag) || (is_service && OF_SERVICE.contains(&flag));
        if is_ours && (has_value || flag == argument) {
            let takes_next = has_value && flag == argument;
            words.push(argument);
            if takes_next {
                words.extend(arguments.next());
            }
            continue;
        }
        if let Some(setting) = argument.strip_prefix("--").or_else(|| argument.strip_prefix("-D")) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            settings.push((name.to_owned(), value.to_owned()));
        } else {
            is_service |= argument == "service";
            words.push(argument);
        }
    }
    (words, Arguments { settings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (String, String) {
        let (words, Arguments { settings }) = split(line.split(' ').map(str::to_owned));
        let settings: Vec<String> = settings.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        (words.join(" "), settings.join(" "))
    }

    #[test]
    fn our_flags_keep_their_values_and_what_has_two_dashes_besides_is_a_setting() {
        let said = of("run --service --home C:\\i --server.port=9093 --debug -Da.b=c");
        assert_eq!(said, ("run --service --home C:\\i".into(), "server.port=9093 debug= a.b=c".into()));
        assert_eq!(of("--home=--odd run"), ("--home=--odd run".into(), String::new()));
        assert_eq!(of("run --home"), ("run --home".into(), String::new()));
    }

    #[test]
    fn the_flags_of_service_are_ours_behind_that_word_alone() {
        let said = of("--home x service install --name west --user=LocalSystem --start manual --dry-run");
        assert_eq!(said.0, "--home x service install --name west --user=LocalSystem --start manual --dry-run");
        assert_eq!(of("--name=x run --start=y"), ("run".into(), "name=x start=y".into()));
        assert_eq!(of("--home service --name=x"), ("--home service".into(), "name=x".into()));
        assert_eq!(of("--service=x"), (String::new(), "service=x".into()));
    }
}
