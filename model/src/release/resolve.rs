//! From a version to its row.
//!
//! Rests on the tags of Linus's tree, on the stable trees that were looked at,
//! and on the announcements of stable releases. What could not be checked is
//! answered all the same where there is a best answer, and says so.

use super::version::{Stage, Version};
use super::{Release, UnknownRelease, Why};

/// The row that a version belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The row.
    pub release: &'static Release,
    /// The version, unless a row's name was typed.
    pub version: Version,
    /// Whether the source, or the announcement of the release, was looked at.
    /// If not, `note` says what is uncertain.
    pub vouched: bool,
    /// What else to know about this version.
    pub note: Option<&'static str>,
}

/// The first version of each row of Linus's tree, latest first.
const MAINLINE: [(Version, &str); 8] = [
    (Version::candidate(6, 14, 1), "v6.14"),
    (Version::candidate(6, 7, 1), "v6.7"),
    (Version::candidate(5, 16, 1), "v5.16"),
    (Version::candidate(5, 11, 3), "v5.10.7"),
    (Version::candidate(5, 10, 6), "v5.10"),
    (Version::candidate(5, 9, 6), "v5.9"),
    (Version::candidate(5, 9, 1), "v5.9-rc1"),
    (OLDEST, "v5.8"),
];

/// The backports: from which point of a stable tree on, which row. Latest
/// first within a tree.
const STABLE: [(Version, &str); 4] = [
    (Version::new(5, 10, 7), "v5.10.7"),
    (Version::new(5, 9, 12), "v5.10"),
    (Version::new(5, 4, 255), "v5.4.255"),
    (Version::new(5, 4, 249), "v5.4.249"),
];

/// Here the table begins.
const OLDEST: Version = Version::candidate(4, 14, 1);

/// The last release that the table was compared with.
const NEWEST: (u16, u16) = (6, 18);

/// Stable trees that ended, with their last point.
const ENDED: [(Version, &str); 2] = [
    (
        Version::new(5, 8, 18),
        "5.8.y ended with 5.8.18; what comes after it was never released",
    ),
    (
        Version::new(5, 9, 16),
        "5.9.y ended with 5.9.16; what comes after it was never released",
    ),
];

/// Looks a version up.
pub(super) fn resolve(name: &str) -> Result<Resolved, UnknownRelease> {
    let unknown = |why| UnknownRelease {
        name: name.to_owned(),
        why,
    };
    let version = Version::parse(name).map_err(|error| unknown(Why::NotAVersion(error)))?;
    if version < OLDEST {
        return Err(unknown(Why::TooOld));
    }
    if was_never(version) {
        return Err(unknown(Why::NeverReleased));
    }
    let backport = STABLE
        .iter()
        .find(|(first, _)| first.series() == version.series() && *first <= version);
    let mainline = || MAINLINE.iter().find(|(first, _)| *first <= version);
    let row = backport.or_else(mainline).map_or("v5.8", |(_, row)| row);
    let release = Release::row(row).expect("the tables name rows");
    let doubt = doubt(version);
    Ok(Resolved {
        release,
        version,
        vouched: doubt.is_none(),
        note: doubt.or(release.note),
    })
}

/// The last series of Linus's tree under each first number, where the next
/// number has begun.
const LAST_SERIES: [(u16, u16); 2] = [(4, 20), (5, 19)];

/// No release in the table has had more candidates.
const MOST_CANDIDATES: u16 = 9;

/// Whether there cannot have been such a version.
fn was_never(version: Version) -> bool {
    let past_the_last = LAST_SERIES
        .iter()
        .any(|(major, last)| version.major == *major && version.minor > *last);
    past_the_last
        || version.stage > Stage::Candidate(MOST_CANDIDATES) && version.stage < Stage::Point(0)
}

/// What speaks against trusting the answer.
fn doubt(version: Version) -> Option<&'static str> {
    let ended = ENDED
        .iter()
        .find(|(last, _)| last.series() == version.series() && *last < version);
    if let Some((_, note)) = ended {
        return Some(note);
    }
    match (version.series(), version.point()) {
        ((4, 14 | 19), Some(_)) => Some(
            "the stable queues of January 2021 for 4.14.y and 4.19.y had none of the commits; \
             later ones were not checked",
        ),
        (series, _) if series > NEWEST => Some(
            "newer than what the table was compared with: if the code has changed since, this \
             does not show it",
        ),
        _ => None,
    }
}
