//! Versions of libraries below which known faults let a stranger stop a node or fill its memory.
//! The advisory database did not have all of them when this was written.

/// The library and the least version without the faults.
const FLOORS: [(&str, (u64, u64, u64)); 4] = [
    ("libp2p-gossipsub", (0, 50, 0)),
    ("yamux", (0, 13, 10)),
    ("libp2p-quic", (0, 13, 1)),
    ("quinn-proto", (0, 11, 15)),
];

#[test]
fn no_library_is_older_than_its_last_known_fault() {
    let lock = include_str!("../../Cargo.lock");
    let mut seen = 0;
    for package in lock.split("[[package]]") {
        let value = |name: &str| {
            let start = format!("{name} = \"");
            package.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
        };
        let (Some(name), Some(version)) = (value("name"), value("version")) else { continue };
        let numbers: Vec<u64> =
            version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
        let [major, minor, patch, ..] = numbers.as_slice() else { continue };
        if let Some((_, floor)) = FLOORS.iter().find(|(known, _)| *known == name) {
            seen += 1;
            assert!((*major, *minor, *patch) >= *floor, "{name} {version} is older than {floor:?}");
        }
    }
    assert_eq!(seen, FLOORS.len(), "each of them is in Cargo.lock once");
}
