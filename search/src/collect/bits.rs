//! How often each bit is set in a run of masks.
//!
//! Adding one to a counter for each value of each match took most of the time of a search. Masks are
//! added up instead as binary numbers that lie across them, one for each bit (a carry-save adder as in
//! Muła, Kurz and Lemire, "Faster Population Counts Using AVX2 Instructions", 2018): of eight masks
//! only what carries over is counted bit by bit.

use crate::values::{BITS, Mask, has_bit};

/// Masks that are added at once.
const BLOCK: usize = 8;

/// A sum of masks.
#[derive(Debug, Default)]
pub(super) struct BitCounts {
    waiting: [Mask; BLOCK],
    waits: usize,
    ones: Mask,
    twos: Mask,
    fours: Mask,
    eights: Vec<u32>,
}

impl BitCounts {
    pub(super) fn add(&mut self, mask: &Mask) {
        self.waiting[self.waits] = *mask;
        self.waits += 1;
        if self.waits == BLOCK {
            self.add_block();
        }
    }

    fn add_block(&mut self) {
        self.waits = 0;
        self.eights.resize(BITS, 0);
        for word in 0..self.ones.len() {
            let [a, b, c, d, e, f, g, h] = self.waiting.map(|mask| mask[word]);
            let (ones, twos_a) = add(self.ones[word], a, b);
            let (ones, twos_b) = add(ones, c, d);
            let (twos, fours_a) = add(self.twos[word], twos_a, twos_b);
            let (ones, twos_a) = add(ones, e, f);
            let (ones, twos_b) = add(ones, g, h);
            let (twos, fours_b) = add(twos, twos_a, twos_b);
            let (fours, mut eights) = add(self.fours[word], fours_a, fours_b);
            (self.ones[word], self.twos[word], self.fours[word]) = (ones, twos, fours);
            while eights != 0 {
                self.eights[word * 64 + eights.trailing_zeros() as usize] += 1;
                eights &= eights - 1;
            }
        }
    }

    /// Adds how often each bit was set to the first of `counts`.
    pub(super) fn add_to(&self, counts: &mut [u32]) {
        let mut add = |mask: &Mask, weight| {
            for (bit, count) in counts.iter_mut().enumerate().take(BITS) {
                if has_bit(mask, bit) {
                    *count += weight;
                }
            }
        };
        for mask in &self.waiting[..self.waits] {
            add(mask, 1);
        }
        add(&self.ones, 1);
        add(&self.twos, 2);
        add(&self.fours, 4);
        for (count, eights) in counts.iter_mut().zip(&self.eights) {
            *count += 8 * eights;
        }
    }
}

/// The sum of three bits in each place, as its ones and twos.
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let either = a ^ b;
    (either ^ c, (a & b) | (either & c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_bit_is_counted_as_often_as_it_is_set(
            masks in prop::collection::vec(prop::array::uniform4(any::<u64>()), 0..40)
        ) {
            let mut sum = BitCounts::default();
            let mut expected = vec![0; BITS + 3];
            for mask in &masks {
                sum.add(mask);
                for (bit, count) in expected.iter_mut().enumerate().take(BITS) {
                    *count += u32::try_from(mask[bit / 64] >> (bit % 64) & 1).unwrap();
                }
            }
            let mut counts = vec![0; BITS + 3];
            sum.add_to(&mut counts);
            prop_assert_eq!(counts, expected);
        }
    }
}
