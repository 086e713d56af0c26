//! Some of the counts: those of this minute, and of the last one for those who read the clock just
//! before it ended.

use std::collections::HashMap;

use super::{uses::Used, windows::Counted};

/// Entries of one table.
pub(super) const MAX_ENTRIES: usize = 16_384;

/// The tables of two minutes.
#[derive(Default)]
pub(super) struct Shard {
    minute: i64,
    present: Table,
    last: Table,
    /// Uses of minutes before these two that nobody has taken yet.
    left: Vec<Used>,
}

/// The counts of one minute.
#[derive(Default)]
pub(super) struct Table {
    uses: HashMap<Counted, Use>,
    /// What other nodes have not heard of yet, each entry once.
    due: Vec<Counted>,
    /// Whose uses nobody has taken yet, each entry once.
    used: Vec<Counted>,
    /// Where the next look at entries that rest begins.
    resting: usize,
}

/// What was counted in one minute, here and elsewhere.
#[derive(Default)]
struct Use {
    own: u32,
    others: u32,
    is_due: bool,
    /// Requests that were answered and that nobody has taken yet, and when the last one came.
    answered: u32,
    answered_at: i64,
}

/// What this node has counted for one credential in one minute.
#[derive(Debug)]
pub(super) struct Tally {
    /// Minutes of Unix time.
    pub minute: i64,
    /// What is counted.
    pub counted: Counted,
    /// Requests on this node.
    pub own: u32,
}

impl Shard {
    /// The table of a minute. Time that moves on by a minute keeps the last one; any other jump, a
    /// clock set back included, starts afresh.
    pub(super) fn table(&mut self, minute: i64) -> &mut Table {
        if minute == self.minute - 1 {
            return &mut self.last;
        }
        if minute == self.minute + 1 {
            self.last.take_used(&mut self.left);
            self.last = std::mem::take(&mut self.present);
        } else if minute != self.minute {
            self.last.take_used(&mut self.left);
            self.present.take_used(&mut self.left);
            self.last = Table::default();
            self.present = Table::default();
        }
        self.left.truncate(MAX_ENTRIES);
        self.minute = minute;
        &mut self.present
    }

    /// The table of a minute, if it is there.
    pub(super) fn find(&mut self, minute: i64) -> Option<&mut Table> {
        match self.minute - minute {
            0 => Some(&mut self.present),
            1 => Some(&mut self.last),
            _ => None,
        }
    }

    /// Takes out the uses that nobody has taken yet.
    pub(super) fn take_used(&mut self, taken: &mut Vec<Used>) {
        taken.append(&mut self.left);
        self.last.take_used(taken);
        self.present.take_used(taken);
    }

    /// Entries of both minutes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.present.uses.len() + self.last.uses.len()
    }
}

impl Table {
    /// Whether there is no room for one that is not in it yet.
    pub(super) fn is_full_for(&self, counted: &Counted) -> bool {
        self.uses.len() >= MAX_ENTRIES && !self.uses.contains_key(counted)
    }

    /// Counts one request if fewer than `limit` were made; answers whether it was and how many
    /// there are then, here and elsewhere. It is a use if it was made at `used_at`.
    pub(super) fn count(
        &mut self,
        counted: &Counted,
        limit: u32,
        is_shared: bool,
        used_at: Option<i64>,
    ) -> (bool, u32) {
        let entry = self.uses.entry(counted.clone()).or_default();
        let used = entry.own.saturating_add(entry.others);
        if used >= limit {
            return (false, used);
        }
        entry.own += 1;
        if is_shared && !entry.is_due {
            entry.is_due = true;
            self.due.push(counted.clone());
        }
        if let Some(at) = used_at {
            if entry.answered == 0 {
                self.used.push(counted.clone());
            }
            entry.answered += 1;
            entry.answered_at = at;
        }
        (true, used + 1)
    }

    /// Takes one back that was counted; nothing stays of one that was all there is.
    pub(super) fn take_back(&mut self, counted: &Counted) {
        let Some(entry) = self.uses.get_mut(counted) else { return };
        entry.own = entry.own.saturating_sub(1);
        if entry.own == 0 {
            self.uses.remove(counted);
        }
    }

    /// Takes out the uses that nobody has taken yet.
    fn take_used(&mut self, taken: &mut Vec<Used>) {
        for counted in std::mem::take(&mut self.used) {
            if let Some(entry) = self.uses.get_mut(&counted) {
                let times = std::mem::take(&mut entry.answered);
                taken.push(Used::new(counted, times.into(), entry.answered_at));
            }
        }
    }

    /// Takes out what other nodes have not heard of.
    pub(super) fn take_due(&mut self, minute: i64, taken: &mut Vec<Tally>) {
        for counted in std::mem::take(&mut self.due) {
            if let Some(entry) = self.uses.get_mut(&counted) {
                entry.is_due = false;
                taken.push(Tally { minute, counted, own: entry.own });
            }
        }
    }

    /// Up to `most` of the others, a different part of them at each call.
    pub(super) fn take_resting(&mut self, minute: i64, most: usize, taken: &mut Vec<Tally>) {
        let resting = self.uses.iter().skip(self.resting).take(most);
        for (counted, entry) in resting.filter(|(counted, it)| counted.is_shared() && !it.is_due) {
            taken.push(Tally { minute, counted: counted.clone(), own: entry.own });
        }
        self.resting = if self.resting + most < self.uses.len() { self.resting + most } else { 0 };
    }

    /// Everything is to be told anew.
    pub(super) fn make_all_due(&mut self) {
        for (counted, entry) in &mut self.uses {
            if counted.is_shared() && !entry.is_due {
                entry.is_due = true;
                self.due.push(counted.clone());
            }
        }
    }

    /// Notes what the other nodes have counted.
    pub(super) fn learn(&mut self, counted: &Counted, others: u32) {
        if let Some(entry) = self.uses.get_mut(counted) {
            entry.others = others;
        }
    }
}
