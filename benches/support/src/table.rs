//! Markdown tables, aligned so that they also read well in a terminal.

/// A table under construction.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one with these column titles.
    #[must_use]
    pub fn new(titles: &[&str]) -> Self {
        Self { rows: vec![titles.iter().map(|&title| title.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as Markdown, empty without rows; numbers stand to the right.
    #[must_use]
    pub fn markdown(&self) -> String {
        if self.rows.len() < 2 {
            return String::new();
        }
        let columns = self.rows.first().map_or(0, Vec::len);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<_> = (0..columns)
            .map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0).max(3))
            .collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
                let padded =
                    if column == 0 { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") };
                text.extend(["| ", &padded, " "]);
            }
            text.push_str("|\n");
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let line = "-".repeat(width - 1);
                    let cell = if column == 0 { ["-", &line] } else { [&line, ":"] };
                    text.extend(["| ", cell[0], cell[1], " "]);
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_to_the_left_and_numbers_to_the_right() {
        let mut table = Table::new(&["row", "ms"]);
        table.push(vec!["verify".to_owned(), "0.25".to_owned()]);

        assert_eq!(table.markdown(), "| row    |   ms |\n| ------ | ---: |\n| verify | 0.25 |\n");
    }
}
