//! The output `Output`: what Run Command's listings show of a command.

/// The most characters of it, its mark included.
const CHARS_MAX: usize = 2_500;
const SEPARATOR: &str = "\n----------ERROR-------\n";
const CUT: &str = "\n--output truncated--";

/// Standard output, and standard error after a separator when there is any.
pub(crate) fn combine(stdout: &str, stderr: &str) -> String {
    let text = if stderr.is_empty() {
        stdout.to_owned()
    } else {
        format!("{stdout}{SEPARATOR}{stderr}")
    };
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    let mut cut: String = text.chars().take(CHARS_MAX - CUT.len()).collect();
    cut.push_str(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_output_is_cut_within_its_budget() {
        assert_eq!(combine(&"ä".repeat(2_500), ""), "ä".repeat(2_500));
        let cut = combine(&"ä".repeat(2_501), "");
        assert_eq!(cut.chars().count(), 2_500);
        assert!(cut.ends_with("ä\n--output truncated--"));
    }
}
