//! The command line.

use std::path::PathBuf;

const USAGE: &str = "usage: infer MODEL --input FILE --shape N,H,W,C --outputs NODE[,NODE…] \
                     [--iterations N] [--save FILE] [--slowdown PERMILLE]";

/// What one run is asked to do.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// The frozen GraphDef.
    pub model: PathBuf,
    /// Raw little-endian float32.
    pub input: PathBuf,
    /// Of the input tensor, batch first.
    pub shape: Vec<usize>,
    /// Graph nodes whose tensors are the result, in this order.
    pub outputs: Vec<String>,
    /// Inferences to run in this process, at least one.
    pub iterations: usize,
    /// Where the output tensors' bytes go.
    pub save: Option<PathBuf>,
    /// Thousandths by which each inference is made longer: a slowdown of known size, to calibrate the measuring.
    pub slowdown_permille: u32,
}

impl Args {
    /// Reads the arguments after the program's name; an error says what is wrong with them.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut positional = None;
        let (mut input, mut shape, mut outputs, mut save) = (None, None, None, None);
        let (mut iterations, mut slowdown_permille) = (1, 0);
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                if positional.replace(PathBuf::from(&word)).is_some() {
                    return Err(format!("more than one model: {word}; {USAGE}"));
                }
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} takes a value; {USAGE}"))?;
            match word.as_str() {
                "--input" => input = Some(PathBuf::from(value)),
                "--shape" => shape = Some(parse_shape(&value)?),
                "--outputs" => outputs = Some(value.split(',').map(String::from).collect()),
                "--iterations" => iterations = parse_number(&word, &value)?,
                "--save" => save = Some(PathBuf::from(value)),
                "--slowdown" => slowdown_permille = parse_number(&word, &value)?,
                _ => return Err(format!("unknown option {word}; {USAGE}")),
            }
        }
        if iterations == 0 {
            return Err("--iterations must be at least 1".into());
        }
        Ok(Args {
            model: positional.ok_or_else(|| format!("no model; {USAGE}"))?,
            input: input.ok_or_else(|| format!("--input is missing; {USAGE}"))?,
            shape: shape.ok_or_else(|| format!("--shape is missing; {USAGE}"))?,
            outputs: outputs.ok_or_else(|| format!("--outputs is missing; {USAGE}"))?,
            iterations,
            save,
            slowdown_permille,
        })
    }
}

/// Sizes with commas between them.
pub fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let sizes: Vec<usize> = text.split(',').map_while(|size| size.parse().ok()).filter(|size| *size > 0).collect();
    if sizes.len() == text.split(',').count() {
        Ok(sizes)
    } else {
        Err(format!("--shape {text}: expected positive whole numbers with commas, such as 1,224,224,3"))
    }
}

fn parse_number<N: std::str::FromStr>(option: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{option} {text}: expected a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split(' ').map(String::from))
    }

    #[test]
    fn a_full_command_line_is_understood() {
        let args = parse("m.pb --input i --shape 1,2,3,4 --outputs a,b/c --iterations 3 --save o --slowdown 50");
        let expected = Args {
            model: "m.pb".into(),
            input: "i".into(),
            shape: vec![1, 2, 3, 4],
            outputs: vec!["a".into(), "b/c".into()],
            iterations: 3,
            save: Some("o".into()),
            slowdown_permille: 50,
        };
        assert_eq!(args.unwrap(), expected);
    }

    #[test]
    fn one_iteration_without_slowdown_is_the_default() {
        let args = parse("m.pb --input i --shape 1 --outputs a").unwrap();
        assert_eq!((args.iterations, args.slowdown_permille, args.save), (1, 0, None));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(parse("--input i --shape 1 --outputs a").unwrap_err().contains("no model"));
        assert!(parse("m.pb --shape 1 --outputs a").unwrap_err().contains("--input is missing"));
        assert!(parse("m.pb --input i --shape").unwrap_err().contains("--shape takes a value"));
    }

    #[test]
    fn a_shape_must_be_positive_numbers() {
        for shape in ["", "1,,3", "1,-1", "0,2", "1x2", "1,a,3"] {
            let line = ["m.pb", "--input", "i", "--outputs", "a", "--shape", shape];
            let why = Args::parse(line.into_iter().map(String::from)).unwrap_err();
            assert!(why.contains("expected positive whole numbers"), "{shape}: {why}");
        }
    }

    #[test]
    fn zero_iterations_and_unknown_options_are_refused() {
        assert!(parse("m.pb --input i --shape 1 --outputs a --iterations 0").unwrap_err().contains("at least 1"));
        assert!(parse("m.pb --speed 11").unwrap_err().contains("unknown option --speed"));
        assert!(parse("m.pb n.pb").unwrap_err().contains("more than one model"));
    }
}
