//! Sharing one search among several workers.
//!
//! In the first steps of an execution, the trunk, every thread that can
//! run is explored, whatever races there are. So nothing that is found out
//! beyond the trunk can ask for anything in it, and what lies beyond one way
//! through it is a search of its own, done by the worker that owns the way.
//! Every worker walks the whole trunk; it meets the ways of others in one
//! execution each, which it does not count. The trunk and its sleep sets are
//! the same for all, so the traces of the parts are disjoint and add up.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use stalewake_model::sync::ThreadId;

/// How many steps the trunk has: enough to give several workers their share,
/// and so few that a search which is worth sharing hardly notices them.
const TRUNK: usize = 14;

/// A way through the trunk: the number of the thread that took each step.
type Way = Vec<u8>;

/// Where workers on the same part of a search take what nobody has taken
/// before.
pub trait Claims: fmt::Debug + Send + Sync {
    /// Takes this way through the trunk; `false` if somebody else has it.
    fn claim(&self, way: &[u8]) -> bool;
}

/// For workers in one process.
#[derive(Debug, Default)]
struct Taken(Mutex<HashSet<Way>>);

impl Claims for Taken {
    fn claim(&self, way: &[u8]) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(way.to_vec())
    }
}

/// Which part of a search is done by one worker.
#[derive(Clone, Debug)]
pub struct Split {
    /// The shard of the whole.
    pub shard: Shard,
    /// How many steps the trunk has. Only workers that agree on it do parts
    /// of the same search.
    pub(super) trunk: usize,
    claims: Arc<dyn Claims>,
}

/// All of a search.
impl Default for Split {
    fn default() -> Self {
        Split::of(Shard::default())
    }
}

impl Split {
    /// A shard of a search. Whoever works with a clone of this shares it.
    pub fn of(shard: Shard) -> Split {
        Split::claimed_by(shard, Arc::new(Taken::default()))
    }

    /// A shard of a search that is shared with whoever makes the same claims.
    pub fn claimed_by(shard: Shard, claims: Arc<dyn Claims>) -> Split {
        Split {
            shard,
            trunk: TRUNK,
            claims,
        }
    }

    /// Takes a way for a worker elsewhere that asks for it.
    pub fn claim(&self, way: &[u8]) -> bool {
        self.claims.claim(way)
    }

    /// The same part of another search, of which nobody has taken anything.
    #[must_use]
    pub fn afresh(&self) -> Split {
        Split::of(self.shard).with_trunk(self.trunk)
    }

    /// The same with a trunk of so many steps; with none there is nothing to
    /// share.
    #[must_use]
    pub fn with_trunk(self, steps: usize) -> Split {
        Split {
            trunk: steps,
            ..self
        }
    }

    /// Whether what lies beyond this way through the trunk is for this worker.
    pub(super) fn owns(&self, way: &[ThreadId]) -> bool {
        let way: Way = way.iter().map(|thread| thread.0).collect();
        self.shard.has(&way) && self.claims.claim(&way)
    }
}

/// One of so many parts that are explored by machines that know nothing of
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    of: NonZeroU32,
}

/// All of it.
impl Default for Shard {
    fn default() -> Self {
        Shard {
            index: 1,
            of: NonZeroU32::MIN,
        }
    }
}

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is written as 1/4: which one, from 1, of how many")]
pub struct NoShard;

impl Shard {
    /// Shard number `index`, from 1, of `of`.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn new(index: u32, of: u32) -> Result<Shard, NoShard> {
        match NonZeroU32::new(of) {
            Some(of) if (1..=of.get()).contains(&index) => Ok(Shard { index, of }),
            _ => Err(NoShard),
        }
    }

    /// Which one it is, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether it is all of it.
    pub fn is_whole(self) -> bool {
        self.of == NonZeroU32::MIN
    }

    fn has(self, way: &[u8]) -> bool {
        hash(way) % self.of == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let (index, of) = text.split_once('/').ok_or(NoShard)?;
        let number = |text: &str| text.parse().map_err(|_| NoShard);
        Shard::new(number(index)?, number(of)?)
    }
}

/// FNV-1a, folded: the same for every build and machine, as the shards of a
/// run must be.
fn hash(way: &[u8]) -> u32 {
    let hash = way.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, thread| {
        (hash ^ u64::from(*thread)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        for text in ["1/1", "3/8", "8/8"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in ["0/2", "3/2", "1/0", "1", "a/b", "-1/2", "1/2/3"] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text}");
        }
        let shard = Shard::new(3, 8).unwrap();
        assert_eq!((shard.index(), shard.of()), (3, 8));
    }

    /// The two halves of what Fowler, Noll and Vo publish of their function, one
    /// over the other.
    #[test]
    fn shards_are_the_same_everywhere() {
        for (way, published) in [
            ("", 0xcbf2_9ce4_8422_2325_u64),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            let (high, low) = ((published >> 32) as u32, published as u32);
            assert_eq!(hash(way.as_bytes()), high ^ low, "{way}");
        }
    }

    #[test]
    fn every_way_has_one_owner() {
        for number in 0..729_u32 {
            let way: Vec<ThreadId> = (0..6)
                .map(|step| ThreadId((number / 3_u32.pow(step) % 3) as u8))
                .collect();
            let shards = (1..=5).map(|index| Split::of(Shard::new(index, 5).unwrap()));
            let owners = shards.filter(|split| split.owns(&way)).count();
            assert_eq!(owners, 1, "{way:?}");
        }
    }

    #[test]
    fn of_two_workers_the_first_to_come_owns_a_way() {
        let first = Split::default();
        let second = first.clone();
        assert!(first.owns(&[ThreadId(0)]) && !second.owns(&[ThreadId(0)]));
        assert!(second.owns(&[ThreadId(1)]) && !first.owns(&[ThreadId(1)]));
        // So does one elsewhere that asks for it.
        assert!(first.claim(&[2]) && !second.claim(&[2]));
        assert!(!second.owns(&[ThreadId(2)]));
    }
}
