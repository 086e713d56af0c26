//! The operator's accent colour, made legible on light and dark pages (WCAG 2.2 §1.4.3).

use std::fmt::Write;

type Colour = [u8; 3];

const WHITE: Colour = [255; 3];
const BLACK: Colour = [0; 3];
/// The surfaces of `static/latchkey.css` on which accents are hardest to read: `--ground` of the
/// light scheme, `--surface` of the dark one.
const LIGHT_SURFACE: Colour = [0xee, 0xf0, 0xf4];
const DARK_SURFACE: Colour = [0x1b, 0x1e, 0x24];
const LEGIBLE: f64 = 4.5;

/// A stylesheet that sets `--accent` and `--on-accent` for both colour schemes.
#[must_use]
pub fn stylesheet(accent: &str) -> String {
    let accent = parse(accent).unwrap_or([0x24, 0x57, 0xc5]);
    let light = legible_on(accent, LIGHT_SURFACE, BLACK);
    let dark = legible_on(accent, DARK_SURFACE, WHITE);
    format!(
        ":root{{{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
        properties(light),
        properties(dark)
    )
}

fn properties(accent: Colour) -> String {
    let on_accent = if contrast(accent, WHITE) >= contrast(accent, BLACK) { WHITE } else { BLACK };
    format!("--accent:{};--on-accent:{}", hex(accent), hex(on_accent))
}

/// The colour itself, or the first of its mixtures with `end` that can be read on `surface`.
fn legible_on(colour: Colour, surface: Colour, end: Colour) -> Colour {
    (0..=20)
        .map(|step| mix(colour, end, step * 5))
        .find(|mixed| contrast(*mixed, surface) >= LEGIBLE)
        .unwrap_or(end)
}

fn mix(from: Colour, to: Colour, percent: u16) -> Colour {
    let mut mixed = from;
    for (channel, end) in mixed.iter_mut().zip(to) {
        let sum = u16::from(*channel) * (100 - percent) + u16::from(end) * percent;
        *channel = u8::try_from(sum / 100).unwrap_or(u8::MAX);
    }
    mixed
}

/// The contrast ratio of two colours, from 1 to 21.
fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: Colour) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn parse(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

fn hex(colour: Colour) -> String {
    colour.iter().fold("#".to_owned(), |mut text, channel| {
        let _ = write!(text, "{channel:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_measured_as_the_standard_says() {
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 1e-9);
        assert!((contrast([0x77; 3], WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_accent_ends_up_legible_in_both_schemes() {
        for accent in ["#2457c5", "#ffffff", "#000000", "#ffee00", "#00ff00", "#808080", "#e91e63"]
        {
            let colour = parse(accent).unwrap();
            for (surface, end) in [(LIGHT_SURFACE, BLACK), (DARK_SURFACE, WHITE)] {
                let made = legible_on(colour, surface, end);
                assert!(contrast(made, surface) >= LEGIBLE, "{accent} became {}", hex(made));
                let best = contrast(made, WHITE).max(contrast(made, BLACK));
                assert!(best >= LEGIBLE, "{accent}: text on {}", hex(made));
            }
        }
        assert!(stylesheet("#2457c5").contains("--accent:#2457c5"));
    }
}
