//! QR codes as pictures inside a page.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of nothing around a code (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;

/// A picture: the value of `d` of an SVG path on a square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Length of the square's sides.
    pub side: usize,
    /// What is dark in it.
    pub path: String,
}

/// The QR code of a text; `None` if that is too long for one.
#[must_use]
pub fn of(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    Some(Qr { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corners_and_a_quiet_zone() {
        let qr = of("HELLO").unwrap();

        assert_eq!(qr.side, 21 + 8);
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert_eq!(of(&"x".repeat(4000)), None);
    }
}
