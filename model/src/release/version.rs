//! Kernel versions, in their order.

use std::fmt;

/// A release of Linus's tree, a candidate for one, or a point of its stable
/// tree. `v5.9` and `5.9.0` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// What came of it.
    pub stage: Stage,
}

/// Where on its way a version is; the order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `-rcN`: before the release.
    Candidate(u16),
    /// The release (0), or a point of its stable tree.
    Point(u16),
}

/// Why a text is no version that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAVersion {
    /// Not of the form of a version.
    #[error("a version looks like v5.9, 5.9.13 or v5.10-rc6")]
    Malformed,
    /// `5.4.0-150-generic`: only its vendor knows what is in it.
    #[error("a distribution's kernel has changes of its own; look at its source")]
    Vendor,
    /// `5.9.12-rc1`: a patch series under review.
    #[error("a candidate of a stable release is no release")]
    StableCandidate,
}

impl Version {
    /// A release or a point of its stable tree.
    pub const fn new(major: u16, minor: u16, point: u16) -> Version {
        Version {
            major,
            minor,
            stage: Stage::Point(point),
        }
    }

    /// `-rc`.
    pub const fn candidate(major: u16, minor: u16, candidate: u16) -> Version {
        Version {
            major,
            minor,
            stage: Stage::Candidate(candidate),
        }
    }

    /// Reads a version, with or without the leading `v`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Version, NotAVersion> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (numbers, suffix) = match bare.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (bare, None),
        };
        let numbers: Vec<u16> = numbers
            .split('.')
            .map(number)
            .collect::<Option<_>>()
            .ok_or(NotAVersion::Malformed)?;
        let (major, minor, point) = match numbers[..] {
            [major, minor] => (major, minor, None),
            [major, minor, point] => (major, minor, Some(point)),
            _ => return Err(NotAVersion::Malformed),
        };
        let Some(suffix) = suffix else {
            return Ok(Version::new(major, minor, point.unwrap_or(0)));
        };
        match (suffix.strip_prefix("rc").and_then(number), point) {
            (Some(0), _) => Err(NotAVersion::Malformed),
            (Some(candidate), None) => Ok(Version::candidate(major, minor, candidate)),
            (Some(_), Some(_)) => Err(NotAVersion::StableCandidate),
            (None, _) if suffix.is_empty() || suffix.starts_with("rc") => {
                Err(NotAVersion::Malformed)
            }
            (None, _) => Err(NotAVersion::Vendor),
        }
    }

    /// The numbers of its stable tree, such as (5, 4).
    pub const fn series(self) -> (u16, u16) {
        (self.major, self.minor)
    }

    /// Its number in its stable tree; nothing for the release itself and its
    /// candidates.
    pub const fn point(self) -> Option<u16> {
        match self.stage {
            Stage::Candidate(_) | Stage::Point(0) => None,
            Stage::Point(point) => Some(point),
        }
    }
}

/// Digits, and nothing that could be written otherwise.
fn number(text: &str) -> Option<u16> {
    let is_plain = text == "0" || !text.starts_with('0');
    let has_digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && has_digits_only).then(|| text.parse().ok())?
}

/// As its tag is written.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.series();
        match self.stage {
            Stage::Candidate(candidate) => f.pad(&format!("v{major}.{minor}-rc{candidate}")),
            Stage::Point(0) => f.pad(&format!("v{major}.{minor}")),
            Stage::Point(point) => f.pad(&format!("v{major}.{minor}.{point}")),
        }
    }
}
