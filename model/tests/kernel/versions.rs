//! Versions: their order, and the rows that they belong to.

use stalewake_model::release::{NotAVersion, Release, Version, Why};

/// Each with its row, and whether the row is vouched for. What the table
/// rests on is the tags in which each commit appeared, and the stable trees
/// that were looked at.
const ROWS: &[(&str, &str, bool)] = &[
    // The bookmark came with v4.14; the three commits are not in 5.8.y.
    ("v4.14-rc1", "v5.8", true),
    ("v4.14", "v5.8", true),
    // As many candidates as any release has had.
    ("v4.15-rc9", "v5.8", true),
    ("4.20.17", "v5.8", true),
    ("v5.7.14", "v5.8", true),
    ("v5.8-rc7", "v5.8", true),
    ("v5.8", "v5.8", true),
    ("5.8.0", "v5.8", true),
    ("5.8.18", "v5.8", true),
    // Never released.
    ("5.8.99", "v5.8", false),
    ("5.9.17", "v5.10", false),
    // The queues of January 2021 had nothing; nobody has looked at later ones.
    ("4.14.336", "v5.8", false),
    ("4.19", "v5.8", true),
    ("4.19.300", "v5.8", false),
    // 2a9127fcf229 is in v5.9-rc1, 5ef64cc8987a in v5.9-rc6.
    ("v5.9-rc1", "v5.9-rc1", true),
    ("v5.9-rc2", "v5.9-rc1", true),
    ("v5.9-rc5", "v5.9-rc1", true),
    ("v5.9-rc6", "v5.9", true),
    ("v5.9-rc8", "v5.9", true),
    ("5.9", "v5.9", true),
    ("5.9.2", "v5.9", true),
    ("5.9.11", "v5.9", true),
    // 073861ed77 is in 5.9.12 and v5.10-rc6.
    ("5.9.12", "v5.10", true),
    ("5.9.13", "v5.10", true),
    ("5.9.16", "v5.10", true),
    ("v5.10-rc1", "v5.9", true),
    ("v5.10-rc5", "v5.9", true),
    ("v5.10-rc6", "v5.10", true),
    ("v5.10", "v5.10", true),
    ("5.10.6", "v5.10", true),
    // c2407cf7d22d is in 5.10.7 and v5.11-rc3.
    ("5.10.7", "v5.10.7", true),
    ("5.10.200", "v5.10.7", true),
    ("v5.11-rc2", "v5.10", true),
    ("v5.11-rc3", "v5.10.7", true),
    ("v5.15", "v5.10.7", true),
    ("5.15.148", "v5.10.7", true),
    // Folios, then one operation for clear and test.
    ("v5.16", "v5.16", true),
    ("v6.6.30", "v5.16", true),
    ("v6.7-rc1", "v6.7", true),
    ("6.12", "v6.7", true),
    ("6.13.4", "v6.7", true),
    ("6.14", "v6.14", true),
    ("6.18.1", "v6.14", true),
    ("7.9", "v6.14", false),
    // 5.4.y took the commits in its own order.
    ("v5.4-rc3", "v5.8", true),
    ("5.4.0", "v5.8", true),
    ("5.4.248", "v5.8", true),
    ("5.4.249", "v5.4.249", true),
    ("5.4.251", "v5.4.249", true),
    ("5.4.254", "v5.4.249", true),
    ("5.4.255", "v5.4.255", true),
    ("5.4.302", "v5.4.255", true),
];

#[test]
fn mechanisms_are_called_by_the_first_row_that_has_them() {
    for row in Release::ALL {
        let like_it = |other: &&Release| other.kernel == row.kernel;
        let first = Release::ALL.iter().find(like_it);
        let first = first.expect("the row itself is like it");
        assert_eq!(
            Release::with(&row.kernel).map(|row| row.name),
            Some(first.name)
        );
        let other = (first.name != row.name).then_some(first.name);
        assert_eq!(row.same_as().map(|row| row.name), other);
    }
}

#[test]
fn every_version_has_its_row() {
    for (version, row, vouched) in ROWS {
        let resolved = Release::look_up(version).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(resolved.release.name, *row, "{version}");
        assert_eq!(resolved.vouched, *vouched, "{version}");
        assert!(resolved.vouched || resolved.note.is_some(), "{version}");
    }
}

#[test]
fn a_row_is_found_by_its_name() {
    for release in Release::ALL {
        for name in [release.name, &release.name[1..]] {
            let resolved = Release::look_up(name).expect("it is a row");
            assert_eq!(resolved.release, release);
            assert!(resolved.vouched, "{name}");
        }
    }
}

#[test]
fn what_is_no_version_here_is_refused_with_a_reason() {
    for version in ["v4.13", "v4.9", "4.4.302", "3.10", "2.6"] {
        let unknown = Release::look_up(version).expect_err("it is too old");
        assert_eq!(unknown.why, Why::TooOld, "{version}");
    }
    for version in [
        "v5.20",
        "5.88",
        "v5.99-rc1",
        "4.21.1",
        "v5.9-rc10",
        "v5.9-rc11",
    ] {
        let unknown = Release::look_up(version).expect_err("it never was");
        assert_eq!(unknown.why, Why::NeverReleased, "{version}");
    }
    for (text, reason) in [
        ("", NotAVersion::Malformed),
        ("v", NotAVersion::Malformed),
        ("5", NotAVersion::Malformed),
        ("banana", NotAVersion::Malformed),
        ("vv5.9", NotAVersion::Malformed),
        ("5.09", NotAVersion::Malformed),
        ("5.+9", NotAVersion::Malformed),
        ("5.9-rc", NotAVersion::Malformed),
        ("5.9-rc0", NotAVersion::Malformed),
        ("5.99999999", NotAVersion::Malformed),
        ("2.6.32.71", NotAVersion::Malformed),
        ("5.9.12-rc1", NotAVersion::StableCandidate),
        ("5.4.0-150-generic", NotAVersion::Vendor),
        ("5.14.0-362.el9", NotAVersion::Vendor),
    ] {
        let unknown = Release::look_up(text).expect_err(text);
        assert_eq!(unknown.why, Why::NotAVersion(reason), "{text}");
    }
}

/// Every version of a small world, in the order of time within its series:
/// read back as written, and ordered as listed.
#[test]
fn versions_are_ordered_as_they_come() {
    let mut versions = Vec::new();
    for major in [4, 5, 10] {
        for minor in [0, 9, 10] {
            versions.extend((1..12).map(|rc| Version::candidate(major, minor, rc)));
            versions.extend((0..12).map(|point| Version::new(major, minor, point)));
        }
    }
    assert!(versions.is_sorted());
    for version in &versions {
        assert_eq!(Version::parse(&version.to_string()), Ok(*version));
    }
}

/// Within a stable tree no commit is ever taken out again.
#[test]
fn a_stable_tree_only_gains_commits() {
    for series in ["5.4", "5.8", "5.9", "5.10", "6.6", "6.12"] {
        let mut before: Vec<&str> = Vec::new();
        for point in 0..300 {
            let version = format!("{series}.{point}");
            let release = Release::resolve(&version).expect("it is covered");
            for commit in &before {
                assert!(release.commits.contains(commit), "{version} lost {commit}");
            }
            before = release.commits.to_vec();
        }
    }
}
