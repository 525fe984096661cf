//! What somebody sees who can read every packet between two schools.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use staffroom_tests::School;

use crate::{intervention, running};

/// Every packet, whatever its protocol, in the byte order of the network.
const ALL_PROTOCOLS: i32 = (0x0003_u16.to_be()) as i32;

/// Packets of this machine's loopback while it is recorded.
struct Recording {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Vec<u8>>>,
}

impl Recording {
    fn start() -> Self {
        let kind = Some(Protocol::from(ALL_PROTOCOLS));
        let mut socket = Socket::new(Domain::PACKET, Type::RAW, kind)
            .unwrap_or_else(|error| panic!("recording packets needs root or CAP_NET_RAW: {error}"));
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        socket.set_recv_buffer_size(64 * 1024 * 1024).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut packets, mut buffer) = (Vec::new(), vec![0; 128 * 1024]);
            while !stopping.load(Ordering::Relaxed) {
                if let Ok(length) = socket.read(&mut buffer) {
                    packets.push(buffer[..length].to_vec());
                }
            }
            packets
        });
        Self { stop, thread }
    }

    /// Ends the recording and sorts the packets: those of these ports, and the others.
    fn end(self, ports: &BTreeSet<u16>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.stop.store(true, Ordering::Relaxed);
        let packets = self.thread.join().unwrap();
        packets.into_iter().partition(|packet| {
            ports_of(packet).is_some_and(|both| both.iter().any(|port| ports.contains(port)))
        })
    }
}

/// Source and destination of a TCP or UDP packet over IPv4, behind an Ethernet header.
fn ports_of(packet: &[u8]) -> Option<[u16; 2]> {
    let ip = packet.get(14..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let protocol = *ip.get(9)?;
    if ip.first()? >> 4 != 4 || ![6, 17].contains(&protocol) {
        return None;
    }
    let ports = ip.get(header..header + 4)?;
    Some([u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]])])
}

fn ports(school: &School) -> BTreeSet<u16> {
    let listening = school.json(&["status"])["network"]["listening"].clone();
    let address = |one: &serde_json::Value| {
        one.as_str().unwrap().split('/').find_map(|part| part.parse::<u16>().ok()).unwrap()
    };
    listening.as_array().unwrap().iter().map(address).collect()
}

fn contain(packets: &[Vec<u8>], text: &str) -> bool {
    packets.iter().any(|packet| packet.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[test]
fn packets_between_schools_say_neither_titles_nor_names() {
    let recording = Recording::start();
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Windermere Trust", "trust", &[&beech]);
    let file = ash.write("record.md", intervention("Zephyr reading", "Halcyon readers."));
    ash.done(&["publish", file.to_str().unwrap()]);
    beech.finds("zephyr", 1);
    // Once more by comparison: what it missed while it was away.
    let mut all = ports(&ash);
    all.extend(ports(&beech));
    beech.stop();
    let file = ash.write("record.md", intervention("Quixotic spelling", "Halcyon spellers."));
    ash.done(&["publish", file.to_str().unwrap()]);
    beech.start();
    beech.finds("quixotic", 1);
    all.extend(ports(&beech));

    let (between, others) = recording.end(&all);
    let bytes: usize = between.iter().map(Vec::len).sum();
    assert!(between.len() > 100 && bytes > 20_000, "{} packets, {bytes} bytes", between.len());
    for text in ["Zephyr", "Quixotic", "Halcyon", "Ash Primary", "Beech Primary", "Windermere"] {
        assert!(!contain(&between, text), "{text} is in a packet between the schools");
    }
    // The command line asks its own node in clear, so the recording does see what is to be seen.
    assert!(contain(&others, "Quixotic"), "the recording misses packets");
}
