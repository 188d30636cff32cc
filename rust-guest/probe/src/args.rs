//! The command line.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "usage: probe [--timeout-ms N] [--output-limit BYTES] [--ship FILE] [--cwd DIR] -- COMMAND…";

/// A guest prints a few lines; a runtime's complaints fit as well.
const DEFAULT_OUTPUT_LIMIT_BYTES: u64 = 1 << 20;

/// What to run, and within which limits.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// Its process group is killed after this time.
    pub timeout: Option<Duration>,
    /// Its process group is killed after this much on standard output and standard error together.
    pub output_limit_bytes: u64,
    /// A file to report in base64 after the end.
    pub ship: Option<PathBuf>,
    /// Where the command runs.
    pub cwd: Option<PathBuf>,
    /// The program and its arguments.
    pub command: Vec<String>,
}

impl Args {
    /// Reads the arguments after the program's name; an error says what is wrong with them.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Args {
            timeout: None,
            output_limit_bytes: DEFAULT_OUTPUT_LIMIT_BYTES,
            ship: None,
            cwd: None,
            command: vec![],
        };
        while let Some(word) = words.next() {
            if word == "--" {
                args.command = words.collect();
                break;
            }
            let value = words.next().ok_or_else(|| format!("{word} takes a value; {USAGE}"))?;
            match word.as_str() {
                "--timeout-ms" => args.timeout = Some(Duration::from_millis(number(&word, &value)?)),
                "--output-limit" => args.output_limit_bytes = number(&word, &value)?,
                "--ship" => args.ship = Some(value.into()),
                "--cwd" => args.cwd = Some(value.into()),
                _ => return Err(format!("unknown option {word}; {USAGE}")),
            }
        }
        if args.command.is_empty() {
            return Err(format!("no command; {USAGE}"));
        }
        Ok(args)
    }
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{option} {text}: expected a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split(' ').map(String::from))
    }

    #[test]
    fn options_end_at_the_dashes_and_the_command_keeps_its_own() {
        let args = parse("--timeout-ms 1500 --output-limit 9 --ship o --cwd /w -- run --timeout-ms 7 -- x").unwrap();
        assert_eq!(args.timeout, Some(Duration::from_millis(1500)));
        assert_eq!((args.output_limit_bytes, args.ship, args.cwd), (9, Some("o".into()), Some("/w".into())));
        assert_eq!(args.command, ["run", "--timeout-ms", "7", "--", "x"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(parse("--timeout-ms 5").unwrap_err().contains("no command"));
        assert!(parse("--").unwrap_err().contains("no command"));
        assert!(parse("--timeout-ms").unwrap_err().contains("--timeout-ms takes a value"));
        assert!(parse("--timeout-ms soon -- x").unwrap_err().contains("expected a whole number"));
        assert!(parse("--frobnicate 1 -- x").unwrap_err().contains("unknown option --frobnicate"));
    }
}
