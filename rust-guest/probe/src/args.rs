//! The command line, and the one thing that must not stand there.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

const USAGE: &str = "usage: probe [--timeout-ms N] [--output-limit BYTES] \
                     [--output-file FILE [--return-file] [--file-limit BYTES]] [--cwd DIR] -- COMMAND…";

/// Where the nonce comes from: any process may read a command line (/proc/1/cmdline), but not a hardened process's
/// environment. The command does not get this variable.
pub const NONCE_VARIABLE: &str = "LAB_PROBE_NONCE";

/// A guest prints a few lines; a runtime's complaints fit as well.
const DEFAULT_OUTPUT_LIMIT_BYTES: u64 = 1 << 20;

/// A network's output is a few kilobytes.
const DEFAULT_FILE_LIMIT_BYTES: u64 = 64 << 20;

/// What to run, and within which limits.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// All that the command started is killed after this time.
    pub timeout: Option<Duration>,
    /// All that the command started is killed after this much on standard output and standard error together.
    pub output_limit_bytes: u64,
    /// A file to hash after the end, below the directory where the command ran.
    pub output_file: Option<PathBuf>,
    /// Whether that file's contents are reported too.
    pub return_file: bool,
    /// The most bytes that file may have.
    pub file_limit_bytes: u64,
    /// Where the command runs.
    pub cwd: Option<PathBuf>,
    /// The program and its arguments.
    pub command: Vec<String>,
}

impl Args {
    /// Reads the arguments after the program's name; an error says what is wrong with them.
    pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let words: Result<Vec<String>, OsString> = words.map(OsString::into_string).collect();
        let mut words = words.map_err(|word| format!("{}: expected UTF-8", word.to_string_lossy()))?.into_iter();
        let mut args = Args {
            timeout: None,
            output_limit_bytes: DEFAULT_OUTPUT_LIMIT_BYTES,
            output_file: None,
            return_file: false,
            file_limit_bytes: DEFAULT_FILE_LIMIT_BYTES,
            cwd: None,
            command: vec![],
        };
        while let Some(word) = words.next() {
            if word == "--" {
                args.command = words.collect();
                break;
            }
            if word == "--return-file" {
                args.return_file = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} takes a value; {USAGE}"))?;
            match word.as_str() {
                "--timeout-ms" => args.timeout = Some(Duration::from_millis(number(&word, &value)?)),
                "--output-limit" => args.output_limit_bytes = number(&word, &value)?,
                "--output-file" => args.output_file = Some(path_below(&word, value)?),
                "--file-limit" => args.file_limit_bytes = number(&word, &value)?,
                "--cwd" => args.cwd = Some(value.into()),
                _ => return Err(format!("unknown option {word}; {USAGE}")),
            }
        }
        if args.return_file && args.output_file.is_none() {
            return Err(format!("--return-file needs --output-file; {USAGE}"));
        }
        if args.command.is_empty() {
            return Err(format!("no command; {USAGE}"));
        }
        Ok(args)
    }
}

/// The text that proves a report to be the probe's; None if none was given.
pub fn nonce() -> Result<Option<String>, String> {
    let Some(nonce) = std::env::var_os(NONCE_VARIABLE) else { return Ok(None) };
    nonce.into_string().map(Some).map_err(|_| format!("{NONCE_VARIABLE}: expected UTF-8"))
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{option} {text}: expected a whole number"))
}

/// Only a plain relative path can be kept from leaving the directory.
fn path_below(option: &str, text: String) -> Result<PathBuf, String> {
    let is_plain = |path: &Path| path.components().all(|component| matches!(component, Component::Normal(_)));
    if text.is_empty() || !is_plain(Path::new(&text)) {
        return Err(format!("{option} {text}: expected a path below the directory of the command, without `..`"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn options_end_at_the_dashes_and_the_command_keeps_its_own() {
        let line = "--timeout-ms 1500 --output-limit 9 --output-file o/f --return-file --file-limit 7 --cwd /w \
                    -- run --timeout-ms 7 -- x";
        let expected = Args {
            timeout: Some(Duration::from_millis(1500)),
            output_limit_bytes: 9,
            output_file: Some("o/f".into()),
            return_file: true,
            file_limit_bytes: 7,
            cwd: Some("/w".into()),
            command: ["run", "--timeout-ms", "7", "--", "x"].map(String::from).into(),
        };
        assert_eq!(parse(line).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(parse("--timeout-ms 5").unwrap_err().contains("no command"));
        assert!(parse("--").unwrap_err().contains("no command"));
        assert!(parse("--timeout-ms").unwrap_err().contains("--timeout-ms takes a value"));
        assert!(parse("--timeout-ms soon -- x").unwrap_err().contains("expected a whole number"));
        assert!(parse("--frobnicate 1 -- x").unwrap_err().contains("unknown option --frobnicate"));
        assert!(parse("--return-file -- x").unwrap_err().contains("--return-file needs --output-file"));
    }

    #[test]
    fn an_output_file_outside_of_the_directory_is_refused() {
        for path in ["/etc/passwd", "../secret", "out/../../secret", "./out", ""] {
            let why = parse(&format!("--output-file {path} -- x")).unwrap_err();
            assert!(why.contains("expected a path below"), "{path}: {why}");
        }
    }
}
