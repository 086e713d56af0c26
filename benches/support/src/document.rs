//! The parts of `docs/performance.md` that benchmarks write.

use std::{fs, path::Path};

use crate::Result;

/// Replaces what stands between the markers of `part`.
///
/// # Errors
/// When the document has no such part.
pub fn write(document: &Path, part: &str, text: &str) -> Result<()> {
    let old = fs::read_to_string(document)?;
    let new = replaced(&old, part, text);
    let new = new.ok_or_else(|| format!("{} has no part {part}", document.display()))?;
    Ok(fs::write(document, new)?)
}

fn replaced(old: &str, part: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let (before, rest) = old.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some([before, &begin, text, &end, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_part_changes() {
        let old = "a\n<!-- b -->\nold\n<!-- end of b -->\nc\n";

        let new = replaced(old, "b", "new\n").unwrap();

        assert_eq!(new, "a\n<!-- b -->\nnew\n<!-- end of b -->\nc\n");
        assert_eq!(replaced(old, "d", "new\n"), None);
    }
}
